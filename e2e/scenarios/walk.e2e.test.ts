/** From `kubectl apply` to the first order, with nothing done by hand in between. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { figure, openCluster } from '../harness/cluster.ts';
import { eventually } from '../harness/eventually.ts';
import { createOrder, graphqlData } from '../harness/graphql.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { connectMongo } from '../harness/stores.ts';

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'calm');
const gateway = await platform.gatewayUrl();
const mongo = await connectMongo(platform);
const orders = mongo.db('app').collection('orders');

afterAll(async () => {
  await mongo.close();
  await cluster.close();
});

describe('the ultralight example, applied by kubectl', () => {
  test('is Ready for kubectl wait and by its printer columns, with all of its services', async () => {
    const object = [`orderplatform/${platform.name}`, '-n', platform.namespace];
    await cluster.kubectl(['wait', '--for=condition=Ready', '--timeout=10s', ...object]);
    const table = await cluster.kubectl(['get', ...object]);
    expect(table).toMatch(/NAME\s+READY\s+STATUS\s+SERVICES\s+VERSION\s+URL\s+AGE/);
    expect(table).toMatch(/calm\s+True\s+\S+\s+5\/5\s+0\.1\.0/);
  });

  test('has restarted no pod', async () => {
    const pods = await platform.pods();
    const restarts = pods.flatMap(({ metadata, status }) =>
      (status?.containerStatuses ?? []).map(({ restartCount }) => [metadata.name, restartCount]),
    );
    expect(restarts.length).toBeGreaterThanOrEqual(8);
    expect(restarts.filter(([, count]) => count !== 0)).toEqual([]);
  });

  test('sells what the seed brought', async () => {
    const query = '{ products { id name price } }';
    const { products } = await graphqlData<{ products: unknown[] }>(gateway, query);
    expect(products).toEqual([{ id: 'p1', name: 'Widget', price: 199 }]);
  });

  test('shows an order in the read model, its eventId being the id that createOrder answered', async () => {
    const order = await createOrder(gateway, 'p1', 3);
    const answered = performance.now();
    expect(order).toEqual({ id: expect.any(String), productId: 'p1', qty: 3, createdAt: expect.any(String) });
    const found = await eventually(async () => (await orders.findOne({ eventId: order.id })) ?? undefined, {
      timeoutMs: 10_000,
      everyMs: 5,
      what: 'the order in the read model',
    });
    figure('createOrder answered → in app.orders', `${Math.round(performance.now() - answered)} ms`);
    expect(found).toMatchObject({ eventId: order.id, productId: 'p1', qty: 3 });
  });

  test('keeps eventId unique in app.orders', async () => {
    const { id } = await createOrder(gateway, 'p1', 1);
    const what = 'the order in the read model';
    await eventually(async () => (await orders.countDocuments({ eventId: id })) === 1, { timeoutMs: 10_000, what });
    const twin = orders.insertOne({ eventId: id, productId: 'p1' });
    await expect(twin).rejects.toMatchObject({ code: 11000 });
  });
});
