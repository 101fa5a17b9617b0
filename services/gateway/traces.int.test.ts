import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startRedis } from '@orderplane/hack/testing/redis.ts';
import { type Collector, startCollector } from './testing/collector.ts';
import { startGateway, type TestGateway } from './testing/gateway.ts';

let collector: Collector;

beforeAll(async () => {
  collector = await startCollector();
});
afterAll(() => collector?.stop());

/** A gateway that collects this share of the traces; stopped, it has sent what it has. */
async function traced(
  share: string,
  work: (gateway: TestGateway) => Promise<void>,
  more: Record<string, string> = {},
): Promise<string[]> {
  const before = collector.spans.length;
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.endpoint}/`, OTEL_TRACES_SAMPLER_ARG: share, ...more };
  const gateway = await startGateway(env);
  try {
    await work(gateway);
  } finally {
    await gateway.stop();
  }
  return collector.spans.slice(before).map(({ name }) => name);
}

const ask =
  (headers: Record<string, string> = {}) =>
  async (gateway: TestGateway) => {
    expect(await gateway.send('GET', '/api/v1/inventory/products', { headers })).toMatchObject({ status: 200 });
  };
const traceparent = (flags: string) => ({
  traceparent: `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-${flags}`,
});

test.each([
  ['of all traces, one that begins here', '1', {}, true],
  ['of none, none that begins here', '0', {}, false],
  ['of none, what the caller collects', '0', traceparent('01'), true],
  ['of all, nothing that the caller does not', '1', traceparent('00'), false],
])('collects %s', async (_sentence, share, headers, isCollected) => {
  const names = await traced(share, ask(headers));
  // The services behind are played, and collect by themselves what they are told to.
  expect(names.includes('GET /api/v1/inventory/products')).toBe(isCollected);
  expect(names.some((name) => name.endsWith('/ListProducts'))).toBe(isCollected);
});

test('a failing request is told by its route and status, whatever its path', async () => {
  const before = collector.spans.length;
  await traced('1', async (gateway) => {
    expect(await gateway.send('GET', '/nothing/secret')).toMatchObject({ status: 404 });
  });
  const [span] = collector.spans.slice(before);
  expect(span).toMatchObject({ name: 'GET unknown', failed: false, parentSpanId: '' });
  expect(span?.attributes).toMatchObject({ 'http.route': 'unknown', 'http.response.status_code': 404 });
  expect(JSON.stringify(span?.attributes)).not.toContain('secret');
});

test('what Redis was asked for a request is a part of it', async () => {
  const redis = await startRedis();
  const before = collector.spans.length;
  try {
    await traced('1', ask(), { REDIS_URI: redis.uri });
  } finally {
    await redis.stop();
  }
  const spans = collector.spans.slice(before);
  const asked = spans.find(({ name }) => name === 'redis eval');
  const request = spans.find(({ name }) => name === 'GET /api/v1/inventory/products');
  expect(asked).toMatchObject({ parentSpanId: request?.spanId, failed: false });
  expect(asked?.attributes).toEqual({ 'db.system.name': 'redis', 'db.operation.name': 'EVAL' });
});

test('a collector that is not there makes no difference to a request', async () => {
  const gateway = await startGateway({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' });
  try {
    await Promise.all(Array.from({ length: 20 }, () => ask()(gateway)));
  } finally {
    await gateway.stop();
  }
});
