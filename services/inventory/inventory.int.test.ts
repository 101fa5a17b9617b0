import { randomUUIDv7 } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EventOf } from '@orderplane/contracts/events.ts';
import { InventoryService } from '@orderplane/contracts/gen/orderplane/inventory/v1/inventory_pb.js';
import { VERIFICATION_PRODUCT } from '@orderplane/contracts/products.ts';
import { STOCK_TOPICS, type StockTopic } from '@orderplane/contracts/topics.ts';
import { startNats } from '@orderplane/hack/testing/nats.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { serviceDatabase } from '@orderplane/hack/testing/service-database.ts';
import type { EventBus } from '@orderplane/shared/events/bus.ts';
import { encodeEvent } from '@orderplane/shared/events/encode.ts';
import { jetStreamBus } from '@orderplane/shared/events/jetstream/bus.ts';
import { grpcClient } from '@orderplane/shared/grpc/client.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { createPool, type Pool } from '@orderplane/shared/postgres.ts';
import { type RunningService, startService } from '@orderplane/shared/service.ts';
import type { Client } from '@orderplane/shared/grpc/methods.ts';
import { Registry } from 'prom-client';
import { inventory } from './app.ts';

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let nats: Awaited<ReturnType<typeof startNats>>;
let pool: Pool;
let service: RunningService;
let client: Client<typeof InventoryService>;
let bus: EventBus;
const log = createLogger('test', 'silent');

beforeAll(async () => {
  [postgres, nats] = await Promise.all([startPostgres(), startNats()]);
  const uri = await serviceDatabase(postgres, 'inventory');
  pool = createPool({ uri, name: 'test', log });
  // The seeds of the smallest platform know these three columns only.
  await pool.query(`insert into products (id, name, price) values
    ('p1', 'Widget', 199), ('p2', 'Gadget', 250), ('p3', 'gadget 100%', 5), ('p4', 'Gadget', 300)`);
  await pool.query(
    `update products set description = 'Turns WHEELS quietly', category_id = 'tools' where id in ('p1', 'p4')`,
  );
  await pool.query(`insert into categories values ('tools', 'Tools'), ('empty', 'Empty')`);
  await pool.query(`insert into stock (product_id, on_hand) values ('p1', 5), ('p2', 0)`);
  service = await startService(inventory, {
    PORT: '0',
    MANAGEMENT_PORT: '0',
    DRAIN_DELAY_MS: '0',
    LOG_LEVEL: 'FATAL',
    POSTGRES_URI: uri,
    BROKER_URI: nats.uri,
  });
  const url = `http://127.0.0.1:${service.port}`;
  client = grpcClient(InventoryService, { service: 'inventory', url, timeoutMs: 5000 });
  bus = jetStreamBus({ uri: nats.uri, name: 'test', log, metrics: new Registry() });
  await bus.publisher.ready(AbortSignal.timeout(20_000));
}, 600_000);
afterAll(async () => {
  await bus?.close();
  await service?.stop();
  await pool?.end();
  await Promise.all([postgres?.stop(), nats?.stop()]);
}, 60_000);

const idsOf = ({ products }: { products: { id: string }[] }) => products.map(({ id }) => id);

describe('products', () => {
  test.each<[string, { search?: string; categoryId?: string }, string[]]>([
    ['by name, and those of one name by id', {}, ['p2', 'p4', 'p1', 'p3']],
    ['that have the words in name or description, in any case', { search: 'wheels  WIDGET' }, ['p1']],
    ['that have a character which means something to LIKE', { search: '100%' }, ['p3']],
    ['of a category', { categoryId: 'tools' }, ['p4', 'p1']],
    ['of a category that have the words', { search: 'gadget', categoryId: 'tools' }, ['p4']],
    ['of no category', { categoryId: 'nope' }, []],
    ["that nobody's words fit", { search: `'; drop table products` }, []],
  ])('are listed %s', async (_sentence, filter, ids) => {
    expect(idsOf(await client.listProducts(filter))).toEqual(ids);
  });

  test('come page by page, none of them twice, also while others are added', async () => {
    const first = await client.listProducts({ first: 2 });
    await pool.query(`insert into products values ('p0', 'Gadget', 1)`);
    const second = await client.listProducts({ first: 2, after: first.next! });
    await pool.query(`delete from products where id = 'p0'`);
    expect([...idsOf(first), ...idsOf(second)]).toEqual(['p2', 'p4', 'p1', 'p3']);
    expect(second.next).toBeUndefined();
  });

  test('tell how many can be ordered, where that is known', async () => {
    const { products } = await client.batchGetProducts({ ids: ['p1', 'p2', 'p3', 'nope', VERIFICATION_PRODUCT] });
    expect(new Map(products.map(({ id, available }) => [id, available]))).toEqual(
      new Map([['p1', 5], ['p2', 0], ['p3', undefined], [VERIFICATION_PRODUCT, undefined]]),
    ); // prettier-ignore
    expect((await client.getProduct({ id: 'p1' })).product).toMatchObject({
      available: 5,
      categoryId: 'tools',
      price: 199,
    });
  });

  test('have their numbers in stock, and their categories', async () => {
    expect(await client.getStock({ productId: 'p1' })).toMatchObject({ tracked: true, onHand: 5, reserved: 0 });
    expect(await client.getStock({ productId: 'p3' })).toMatchObject({ tracked: false, onHand: 0, reserved: 0 });
    const { categories } = await client.listCategories({});
    expect(categories).toMatchObject([
      { id: 'empty', products: 0 },
      { id: 'tools', products: 2 },
    ]);
  });

  test.each<[string, () => Promise<unknown>, Record<string, unknown>]>([
    ['a page that is too long', () => client.listProducts({ first: 501 }), { code: 'BAD_USER_INPUT', field: 'first' }],
    ['a page of less than nothing', () => client.listProducts({ first: -1 }), { code: 'BAD_USER_INPUT', field: 'first' }],
    ['a cursor that is none', () => client.listProducts({ after: 'x' }), { code: 'BAD_USER_INPUT', field: 'after' }],
    ['a search that is too long', () => client.listProducts({ search: 'x'.repeat(201) }), { code: 'BAD_USER_INPUT', field: 'search' }],
    ['a search for what text cannot have', () => client.listProducts({ search: '\0' }), { code: 'BAD_USER_INPUT' }],
    ['too many at once', () => client.batchGetProducts({ ids: Array.from({ length: 101 }, () => 'p1') }), { code: 'BAD_USER_INPUT', field: 'ids' }],
    ['a product that there is not', () => client.getProduct({ id: 'nope' }), { code: 'PRODUCT_NOT_FOUND' }],
    ['the stock of a product that there is not', () => client.getStock({ productId: 'nope' }), { code: 'PRODUCT_NOT_FOUND' }],
  ])('are refused: %s', async (_sentence, ask, error) => {
    await expect(ask()).rejects.toMatchObject(error);
  }); // prettier-ignore
});

test("an order's events come from the broker, and what they did to stock goes there", async () => {
  const seen: EventOf<StockTopic>[] = [];
  const { promise: over, resolve } = Promise.withResolvers<void>();
  bus.consume({
    name: 'test',
    topics: STOCK_TOPICS,
    async handle(event) {
      if (event.type !== 'stock_events' || event.data.orderId) seen.push(event);
      if (event.type === 'stock_events' && event.data.cause === 'returned') resolve();
      return 'done';
    },
  });
  const id = randomUUIDv7();
  const facts = { service: 'orders', subject: id, at: new Date(), origin: { correlationid: 'c1' } };
  const lines = [{ productId: 'p1', qty: 2, price: 199 }];
  const payment = { method: 'PAYPAL', token: 'tok_ok' };
  const events = [
    encodeEvent({ ...facts, type: 'order_created', aggregateVersion: 1, data: { lines, total: 398, payment } }),
    encodeEvent({ ...facts, type: 'order_confirmed', aggregateVersion: 2, data: {} }),
    encodeEvent({ ...facts, type: 'order_cancelled', aggregateVersion: 3, data: { reason: 'test' } }),
  ];
  for (const event of events) await bus.publisher.publish(event);
  await over;
  // Events keep their order about one subject: the order, or the product.
  const told = (subject: string) => seen.filter((event) => event.subject === subject);
  expect(told(id).map(({ type }) => type)).toEqual(['stock_reserved', 'stock_released']);
  expect(told('p1').map(({ data }) => 'cause' in data && data.cause)).toEqual(['reserved', 'committed', 'returned']);
  expect(told(id)[0]).toMatchObject({
    subject: id,
    causationid: events[0]!.id,
    correlationid: 'c1',
    data: { total: 398, payment },
  });
  expect(await client.getStock({ productId: 'p1' })).toMatchObject({ onHand: 5, reserved: 0 });
});
