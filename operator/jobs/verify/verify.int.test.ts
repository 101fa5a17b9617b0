import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  startPlatform,
  startStores,
  VERIFICATION_KEY,
  type Stores,
  type TestPlatform,
} from '@orderplane/gateway/order-flow/platform.ts';
import { runHere } from '../testing/run-job.ts';
import { runVerify } from './index.ts';

let stores: Stores;
let platform: TestPlatform;

beforeAll(async () => {
  stores = await startStores();
  platform = await startPlatform(stores);
}, 120_000);
afterAll(async () => {
  await platform?.stop();
  await stores?.stop();
}, 60_000);

const verify = (more: Record<string, unknown> = {}, key = VERIFICATION_KEY) =>
  runHere(runVerify, { gatewayUrl: platform.gatewayUrl, timeoutSeconds: 10, ...more }, { VERIFICATION_KEY: key });

test('a synthetic order goes all the way, is cancelled, and is on no list', async () => {
  const result = await verify();
  expect(result).toEqual({ ok: true, orderId: expect.any(String), visibleAfterMs: expect.any(Number) });
  const order = await stores.readModel.collection('orders').findOne({ eventId: result.ok && result.orderId });
  expect(order).toMatchObject({ status: 'CANCELLED', productId: 'orderplane-verification' });
});

test('a wrong key is a rejected order, and the key is not told', async () => {
  const key = 'another key, which the gateway does not have';
  const result = await verify({}, key);
  expect(result).toMatchObject({ ok: false, reason: 'OrderRejected' });
  expect(JSON.stringify(result)).not.toContain(key);
});

test('nobody at the address of the gateway is told as that', async () => {
  const result = await verify({ gatewayUrl: 'http://127.0.0.1:9', timeoutSeconds: 1 });
  expect(result).toMatchObject({ ok: false, reason: 'GatewayUnreachable', hop: 'gateway' });
});

// These leave less of the platform standing each time, so they stay in this order.
test('with the broker gone, the order is accepted and never seen: the broker is named', async () => {
  await stores.nats.kill();
  const result = await verify({ timeoutSeconds: 1, brokerMonitorUrl: 'http://127.0.0.1:9' });
  expect(result).toMatchObject({ ok: false, reason: 'ReadModelTimeout', hop: 'broker' });
});

test('without the broker to ask, the last hop is named', async () => {
  expect(await verify({ timeoutSeconds: 1 })).toEqual({
    ok: false,
    reason: 'ReadModelTimeout',
    hop: 'order-query',
    message: expect.stringMatching(/^order-query has not shown the order \S+ within 1 s: .*broker/),
  });
});

test('with order-query gone, it is named', async () => {
  await platform.services.orderQuery.stop();
  const result = await verify({ timeoutSeconds: 1 });
  expect(result).toMatchObject({ ok: false, reason: 'ReadModelTimeout', hop: 'order-query' });
  expect(result).not.toMatchObject({ message: expect.stringMatching(/has not shown/) });
});

test('with inventory gone, it is named', async () => {
  await platform.services.inventory.stop();
  expect(await verify({ timeoutSeconds: 1 })).toMatchObject({ ok: false, reason: 'OrderRejected', hop: 'inventory' });
});

test('with orders gone, it is named', async () => {
  await platform.services.orders.stop();
  expect(await verify({ timeoutSeconds: 1 })).toMatchObject({ ok: false, reason: 'OrderRejected', hop: 'orders' });
});
