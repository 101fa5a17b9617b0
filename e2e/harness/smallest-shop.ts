/** The points of the smallest order platform, for platforms that have them in different ways. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Deployments } from '@orderplane/operator/runtime/index.ts';
import type { MongoClient } from 'mongodb';
import { figure } from './cluster.ts';
import { eventually } from './eventually.ts';
import { createOrder, graphqlData } from './graphql.ts';
import type { PlatformHandle } from './platform.ts';
import { send } from './rest.ts';
import { connectMongo, connectPostgres } from './stores.ts';

/** Declares the tests, inside of a describe; the platform is Ready by then. */
export function testSmallestShop(platform: PlatformHandle): void {
  let gateway: string;
  let mongo: MongoClient;
  const orders = () => mongo.db('app').collection('orders');

  beforeAll(async () => {
    gateway = await platform.gatewayUrl();
    mongo = await connectMongo(platform);
  });
  afterAll(() => mongo?.close());

  test('has made the table of products', async () => {
    await using postgres = await connectPostgres(platform, { database: 'inventory' });
    const { rows } = await postgres.query(
      `select column_name as name, data_type as type, is_nullable as nullable from information_schema.columns
       where table_name = 'products' and column_name = any ($1) order by 1`,
      [['id', 'name', 'price']],
    );
    expect(rows).toEqual([
      { name: 'id', type: 'text', nullable: 'NO' },
      { name: 'name', type: 'text', nullable: 'NO' },
      { name: 'price', type: 'integer', nullable: 'NO' },
    ]);
    const twin = postgres.query(`insert into products (id, name, price) values ('p1', 'Another', 1)`);
    await expect(twin).rejects.toMatchObject({ code: '23505' });
  });

  test('sells what the seed brought, of which a second run changes nothing', async () => {
    const { cluster, name, namespace } = platform;
    const again = await cluster.orderplane(['reseed', `${name}-products`, '-n', namespace, '--watch', '-o', 'json']);
    expect(JSON.parse(again.stdout).run).toMatchObject({
      outcome: 'Succeeded',
      datasets: [{ name: 'products', inserted: 0, updated: 0, skipped: 1, deleted: 0 }],
    });
    const { products } = await graphqlData<{ products: unknown[] }>(gateway, '{ products { id name price } }');
    expect(products).toEqual([{ id: 'p1', name: 'Widget', price: 199 }]);
  }, 60_000);

  test('shows an order in the read model, its eventId being the id that createOrder answered', async () => {
    const order = await createOrder(gateway, 'p1', 3);
    const answered = performance.now();
    expect(order).toEqual({ id: expect.any(String), productId: 'p1', qty: 3, createdAt: expect.any(String) });
    const found = await eventually(async () => (await orders().findOne({ eventId: order.id })) ?? undefined, {
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
    await eventually(async () => (await orders().countDocuments({ eventId: id })) === 1, { timeoutMs: 10_000, what });
    const twin = orders().insertOne({ eventId: id, productId: 'p1' });
    await expect(twin).rejects.toMatchObject({ code: 11000 });
  });

  test('serves its storefront, which is told at run time where to ask', async () => {
    const { namespace, name, cluster } = platform;
    expect(await send(await platform.storefrontUrl(), 'GET', '/')).toMatchObject({ status: 200 });
    const deployment = await cluster.client.get(Deployments, { namespace, name: `${name}-storefront` });
    const [container] = deployment?.spec?.template?.spec?.containers ?? [];
    const value = `http://${name}-gateway:8080/graphql`;
    expect(container?.env).toContainEqual({ name: 'NEXT_PUBLIC_GRAPHQL_URL', value });
    const probed = [container?.livenessProbe, container?.readinessProbe].map((probe) => probe?.httpGet?.path);
    expect(probed).toEqual(['/', '/']);
  });
}
