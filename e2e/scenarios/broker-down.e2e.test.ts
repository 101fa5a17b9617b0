/** The broker is gone for half a minute: shops go on selling, and nothing is lost or done twice. */
import { afterAll, expect, test } from '@jest/globals';
import { Pods } from '@orderplane/operator/runtime/index.ts';
import { figure, openCluster } from '../harness/cluster.ts';
import { holdDown } from '../harness/kill.ts';
import { documentsPerOrder, placeOrders } from '../harness/orders.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { connectMongo } from '../harness/stores.ts';

const OUTAGE_MS = 30_000;

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'rough');
const mongo = await connectMongo(platform);

afterAll(async () => {
  await mongo.close();
  await cluster.close();
});

test('with NATS stopped for 30 s createOrder answers, and all orders arrive once afterwards', async () => {
  const gateway = await platform.gatewayUrl();
  const outage = new AbortController();
  const orders = placeOrders(gateway, 5, outage.signal);
  await holdDown(async () => {
    const pod = await cluster.client.get(Pods, { ...platform, name: `${platform.name}-nats-0` });
    const containerId = pod?.status?.containerStatuses?.[0]?.containerID;
    return containerId ? { containerId } : undefined;
  }, OUTAGE_MS);
  outage.abort();
  const ended = performance.now();
  const { answered, refused, longestSilenceMs } = await orders;
  const arrivedMeanwhile = await mongo
    .db('app')
    .collection('orders')
    .countDocuments({ eventId: { $in: [...answered] } });

  expect(refused).toEqual([]);
  expect(answered.length).toBeGreaterThan(100);
  // Else it was not the outage that this is about.
  expect(arrivedMeanwhile).toBeLessThan(answered.length / 2);
  const documents = await documentsPerOrder(mongo, answered, 60_000);
  figure('orders answered while the broker was down', String(answered.length));
  figure('longest time between two answers', `${Math.round(longestSilenceMs)} ms`);
  figure('broker back → all of them in the read model', `${((performance.now() - ended) / 1000).toFixed(1)} s`);
  expect([...documents.values()].every((count) => count === 1)).toBe(true);
}, 150_000);
