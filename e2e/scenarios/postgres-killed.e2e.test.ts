/** kill -9 of the database while orders are placed: what got an answer is there, once. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, test } from '@jest/globals';
import { Pods } from '@orderplane/operator/runtime/index.ts';
import { figure, openCluster } from '../harness/cluster.ts';
import { eventually } from '../harness/eventually.ts';
import { createOrder } from '../harness/graphql.ts';
import { killContainer } from '../harness/kill.ts';
import { documentsPerOrder, placeOrders } from '../harness/orders.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { connectMongo } from '../harness/stores.ts';

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'rough');
const mongo = await connectMongo(platform);

afterAll(async () => {
  await mongo.close();
  await cluster.close();
});

test('every order that got an answer is in the read model once, after a kill -9 of Postgres', async () => {
  const gateway = await platform.gatewayUrl();
  const stop = new AbortController();
  const orders = placeOrders(gateway, 20, stop.signal);
  // Orders have to be under way when it dies.
  await delay(2_000);
  const pod = await cluster.client.get(Pods, { ...platform, name: `${platform.name}-postgres-0` });
  await killContainer({ containerId: pod?.status?.containerStatuses?.[0]?.containerID ?? '' });
  const killed = performance.now();
  await eventually(async () => performance.now() - killed > 500 && (await createOrder(gateway, 'p1', 1)), {
    timeoutMs: 60_000,
    what: 'the first order after the kill',
  });
  figure('kill -9 of Postgres → orders accepted again', `${((performance.now() - killed) / 1000).toFixed(1)} s`);
  await delay(2_000);
  stop.abort();
  const { answered, refused } = await orders;

  figure('orders answered / refused around the kill', `${answered.length} / ${refused.length}`);
  expect(answered.length).toBeGreaterThan(40);
  const documents = await documentsPerOrder(mongo, answered, 60_000);
  expect([...documents.values()].every((count) => count === 1)).toBe(true);
}, 150_000);
