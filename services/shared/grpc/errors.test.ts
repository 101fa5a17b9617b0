import { describe, expect, test } from '@jest/globals';
import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorDetailSchema } from '@orderplane/contracts/gen/orderplane/errors/v1/errors_pb.js';
import { toBinary, create } from '@bufbuild/protobuf';
import { CodedError, type ErrorCode, ERRORS } from '../errors.ts';
import { fromWire, toWire } from './errors.ts';

/** What is left of an error on the other side of the wire: details as bytes, no cause. */
function transmitted(error: ConnectError): ConnectError {
  const received = new ConnectError(error.rawMessage, error.code);
  received.details = error.details.map((detail) => {
    if (!('desc' in detail)) return detail;
    return {
      type: ErrorDetailSchema.typeName,
      value: toBinary(ErrorDetailSchema, create(ErrorDetailSchema, detail.value)),
    };
  });
  return received;
}

describe('an error between services', () => {
  test.each(Object.keys(ERRORS) as ErrorCode[])('keeps its code, message and field: %s', (code) => {
    const sent = new CodedError(code, { message: 'said to the client', field: 'qty' });
    const received = fromWire(transmitted(toWire(sent, 'orders')), 'orders');
    expect(received).toMatchObject({ code, message: 'said to the client', field: 'qty', service: 'orders' });
  });

  test('names the service at fault, however many it passes on its way', () => {
    const fault = new CodedError('SERVICE_UNAVAILABLE', { service: 'inventory' });
    expect(fromWire(transmitted(toWire(fault, 'orders')), 'orders')).toMatchObject({ service: 'inventory' });
  });

  test('says nothing of what went wrong inside', () => {
    const wire = transmitted(toWire(new Error('password of postgres is hunter2'), 'orders'));
    expect(wire).toMatchObject({ code: Code.Internal, rawMessage: ERRORS.INTERNAL.message });
    expect(JSON.stringify(fromWire(wire, 'orders'))).not.toContain('hunter2');
  });

  test.each<[string, unknown, ErrorCode]>([
    ['a refused connection', new ConnectError('ECONNREFUSED', Code.Unavailable), 'SERVICE_UNAVAILABLE'],
    ['a deadline', new ConnectError('too late', Code.DeadlineExceeded), 'TIMEOUT'],
    ['an unknown method', new ConnectError('no such method', Code.Unimplemented), 'INTERNAL'],
    ['a bug in the client', new TypeError('undefined is not a function'), 'INTERNAL'],
  ])('is told by the transport alone: %s', (_sentence, error, code) => {
    expect(fromWire(error, 'orders')).toMatchObject({ code, service: 'orders', message: ERRORS[code].message });
  });
});
