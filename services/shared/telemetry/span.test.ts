import { expect, test } from '@jest/globals';
import { createLogger } from '../log.ts';
import { requestContextFrom, withRequest } from '../request-context.ts';
import { annotate, beginRequest, inSpan, type Span, type Tracing } from './span.ts';

/** Tracing that keeps what it is told. */
function recorded() {
  const told: string[] = [];
  const span = (path: string): Span => ({
    traceparent: `00-4bf92f3577b34da6a3ce929d0e0e4736-${String(told.length).padStart(16, 'a')}-01`,
    start: ({ name }) => span(`${path} > ${name}`),
    set: (attributes) => void told.push(`${path} is ${JSON.stringify(attributes)}`),
    end: (failure) => void told.push(failure === undefined ? `${path} ends` : `${path} fails`),
  });
  const tracing: Tracing = { start: ({ name }) => span(name), stop: async () => undefined };
  return { tracing, told };
}

test('lines bear the ids of the request and of the piece of work that writes them', async () => {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger('orders', 'info', { write: (text) => void lines.push(JSON.parse(text) as (typeof lines)[number]) }); // prettier-ignore
  const { tracing, told } = recorded();
  const request = beginRequest(tracing, (name) => (name === 'x-request-id' ? 'r1' : undefined), { name: 'request' });
  log.info('outside');
  await withRequest(request, async () => {
    log.info('request');
    await inSpan({ name: 'piece' }, async () => {
      annotate({ a: 1 });
      log.info('piece');
    });
    await inSpan({ name: 'bad' }, () => Promise.reject(new Error('away'))).catch(() => undefined);
  });
  const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
  const common = { service: 'orders', level: 'info', time: expect.any(String) };
  expect(lines).toEqual([
    { ...common, msg: 'outside' },
    { ...common, msg: 'request', requestId: 'r1', correlationId: 'r1', traceId, spanId: request.traceparent.slice(36, 52) },
    { ...common, msg: 'piece', requestId: 'r1', correlationId: 'r1', traceId, spanId: expect.stringMatching(/^a+0$/) },
  ]); // prettier-ignore
  expect(told).toEqual(['request > piece is {"a":1}', 'request > piece ends', 'request > bad fails']);
});

test('without a collector the work is done all the same, and nothing is said of it', async () => {
  annotate({ a: 1 });
  const request = requestContextFrom(() => undefined);
  const traceparents = await withRequest(request, () => inSpan({ name: 'piece' }, async () => request.traceparent));
  expect(traceparents).toBe(request.traceparent);
  expect(beginRequest(undefined, () => undefined, { name: 'request' }).span).toBeUndefined();
});
