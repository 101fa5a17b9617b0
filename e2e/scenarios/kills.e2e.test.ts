/** kill -9 while orders are placed: what got an answer is in the read model, once. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, test } from '@jest/globals';
import { figure, openCluster } from '../harness/cluster.ts';
import { eventually } from '../harness/eventually.ts';
import { createOrder } from '../harness/graphql.ts';
import { killContainer } from '../harness/kill.ts';
import { documentsPerOrder, placeOrders } from '../harness/orders.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { connectMongo } from '../harness/stores.ts';

const PER_SECOND = 20;

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'rough');

afterAll(() => cluster.close());

/** Kills the component's process; returns how long it took until an order was accepted again, in milliseconds. */
async function kill(component: string): Promise<number> {
  const [pod] = await platform.pods(`app.kubernetes.io/name=${component},app.kubernetes.io/component!=job`);
  const container = pod?.status?.containerStatuses?.[0];
  const { containerID: containerId = '' } = container ?? {};
  await killContainer({ containerId });
  const killed = performance.now();
  const restarted = async () => {
    const pods = await platform.pods(`app.kubernetes.io/name=${component},app.kubernetes.io/component!=job`);
    const status = pods.flatMap((each) => each.status?.containerStatuses ?? [])[0];
    return status?.ready && status.containerID !== containerId;
  };
  const gateway = await platform.gatewayUrl();
  const timeoutMs = 60_000;
  await eventually(restarted, { timeoutMs, what: `the restart of ${component}` });
  await eventually(() => createOrder(gateway, 'p1', 1), { timeoutMs, what: `an order after the kill of ${component}` });
  return performance.now() - killed;
}

describe('every order that got an answer is in the read model once', () => {
  test.each([
    ['Postgres', ['postgres']],
    [
      'each other process on the path of an order, one by one',
      ['nats', 'mongo', 'orders', 'order-query', 'inventory', 'gateway'],
    ],
  ])(
    'after a kill -9 of %s',
    async (_sentence, components) => {
      const stop = new AbortController();
      const orders = placeOrders(await platform.gatewayUrl(), PER_SECOND, stop.signal);
      for (const component of components) {
        // Orders have to be under way when it dies.
        await delay(1_000);
        figure(`kill -9 of ${component} → it serves again`, `${((await kill(component)) / 1000).toFixed(1)} s`);
      }
      await delay(1_000);
      stop.abort();
      const { answered, refused } = await orders;

      figure('orders answered / refused', `${answered.length} / ${refused.length}`);
      expect(answered.length).toBeGreaterThan(PER_SECOND);
      await using mongo = await connectMongo(platform);
      const documents = await documentsPerOrder(mongo, answered, 60_000);
      expect([...documents.values()].every((count) => count === 1)).toBe(true);
    },
    180_000,
  );
});
