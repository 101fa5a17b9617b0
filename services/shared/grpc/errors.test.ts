import { describe, expect, test } from '@jest/globals';
import type { IncomingHttpHeaders } from 'node:http2';
import { Metadata, status as Code, type StatusObject } from '@grpc/grpc-js';
import { asCoded, CodedError, type ErrorCode, ERRORS } from '../errors.ts';
import { fromWire, toWire } from './errors.ts';

/** What a client of @grpc/grpc-js makes of an answer. */
function received({ code, details, metadata }: StatusObject): Error {
  const transmitted = Metadata.fromHttp2Headers(metadata.toHttp2Headers() as IncomingHttpHeaders);
  return Object.assign(new Error(`${code} ${Code[code]}: ${details}`), { code, details, metadata: transmitted });
}

function failed(code: Code, details: string): Error {
  return received({ code, details, metadata: new Metadata() });
}

describe('an error between services', () => {
  test.each(Object.keys(ERRORS) as ErrorCode[])('keeps its code, message and field: %s', (code) => {
    const sent = new CodedError(code, { message: 'said to the client – “no”', field: 'qty' });
    const facts = { code, message: 'said to the client – “no”', field: 'qty', service: 'orders' };
    expect(fromWire(received(toWire(sent, 'orders')), 'orders')).toMatchObject(facts);
  });

  test('names the service at fault, however many it passes on its way', () => {
    const fault = new CodedError('SERVICE_UNAVAILABLE', { service: 'inventory' });
    expect(fromWire(received(toWire(fault, 'orders')), 'orders')).toMatchObject({ service: 'inventory' });
  });

  test('says nothing of what went wrong inside', () => {
    const wire = toWire(asCoded(new Error('password of postgres is hunter2')), 'orders');
    expect(wire).toMatchObject({ code: Code.INTERNAL, details: ERRORS.INTERNAL.message });
    const [status] = wire.metadata.get('grpc-status-details-bin');
    expect(status).toBeInstanceOf(Buffer);
    expect(String(status)).toContain('INTERNAL');
    expect(String(status)).not.toContain('hunter2');
  });

  test.each<[string, unknown, ErrorCode]>([
    [
      'a refused connection',
      failed(Code.UNAVAILABLE, 'No connection established. Last error: connect ECONNREFUSED'),
      'SERVICE_UNAVAILABLE',
    ],
    ['a broken stream', failed(Code.INTERNAL, 'Received RST_STREAM with code 2'), 'SERVICE_UNAVAILABLE'],
    ['a deadline', failed(Code.DEADLINE_EXCEEDED, 'Deadline exceeded after 0.1s'), 'TIMEOUT'],
    ['an unknown method', failed(Code.UNIMPLEMENTED, 'no such method'), 'INTERNAL'],
    ['a bug in the client', new TypeError('undefined is not a function'), 'INTERNAL'],
  ])('is told by the transport alone: %s', (_sentence, error, code) => {
    expect(fromWire(error, 'orders')).toMatchObject({ code, service: 'orders', message: ERRORS[code].message });
  });
});
