import { describe, expect, test } from '@jest/globals';
import { requestContextFrom, requestHeaders, traceIdOf } from './request-context.ts';

const from = (headers: Record<string, string>) => requestContextFrom((name) => headers[name]);
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

describe("a request's ids", () => {
  test('are taken from its headers, and handed on as they came', () => {
    const headers = { 'x-request-id': 'r1', 'x-correlation-id': 'c1', traceparent };
    expect(from(headers)).toEqual({ requestId: 'r1', correlationId: 'c1', traceparent });
    expect(Object.fromEntries(requestHeaders(from(headers)))).toEqual(headers);
  });

  test('are made where they are missing; a request without a correlation is one by itself', () => {
    const { requestId, correlationId, traceparent: made } = from({});
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(correlationId).toBe(requestId);
    expect(traceIdOf(made)).toMatch(/^[0-9a-f]{32}$/);
  });

  test.each([
    ['breaks the line', 'x-request-id', 'a\nb'],
    ['is endless', 'x-correlation-id', 'a'.repeat(129)],
    ['is of another kind', 'traceparent', '00-zz-00f067aa0ba902b7-01'],
    ['is all zeros', 'traceparent', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`],
  ])('are replaced where what came %s', (_sentence, header, value) => {
    expect(requestHeaders(from({ [header]: value })).map(([, id]) => id)).not.toContain(value);
  });
});
