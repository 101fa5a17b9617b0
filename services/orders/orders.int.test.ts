import { randomUUIDv7 } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { InventoryService } from '@orderplane/contracts/gen/orderplane/inventory/v1/inventory_pb.js';
import { OrdersService } from '@orderplane/contracts/gen/orderplane/orders/v1/orders_pb.js';
import type { PlatformEvent } from '@orderplane/contracts/events.ts';
import { ORDER_TOPICS } from '@orderplane/contracts/topics.ts';
import { startNats } from '@orderplane/hack/testing/nats.ts';
import { environment, port } from '@orderplane/shared/config.ts';
import { CodedError } from '@orderplane/shared/errors.ts';
import { jetStreamBus } from '@orderplane/shared/events/jetstream/bus.ts';
import { grpcClient } from '@orderplane/shared/grpc/client.ts';
import { serveGrpc } from '@orderplane/shared/grpc/server.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { requestContextFrom, traceIdOf, withRequest } from '@orderplane/shared/request-context.ts';
import { defineService, type RunningService, startService } from '@orderplane/shared/service.ts';
import { Registry } from 'prom-client';
import { orders } from './app.ts';
import { startOrdersDatabase } from './testing/database.ts';
import { paymentProcessed, stockRejected, stockReleased, stockReserved } from './testing/deps.ts';

const base = { PORT: '0', MANAGEMENT_PORT: '0', DRAIN_DELAY_MS: '0', LOG_LEVEL: process.env.LOG_LEVEL ?? 'FATAL' };
const prices: Record<string, number> = { p1: 199, p2: 5, dear: 2_000_000_000 };
/** How often inventory was asked. */
let asked = 0;
let isInventoryAway = false;
const fakeInventory = defineService({
  name: 'inventory',
  config: environment({ PORT: port(0) }),
  start: (context) =>
    serveGrpc(context, context.config.PORT, (router) =>
      router.service(InventoryService, {
        async batchGetProducts({ ids }) {
          asked += 1;
          if (isInventoryAway) throw new CodedError('SERVICE_UNAVAILABLE');
          return { products: ids.flatMap((id) => (id in prices ? [{ id, name: id, price: prices[id]! }] : [])) };
        },
      }),
    ),
});

let database: Awaited<ReturnType<typeof startOrdersDatabase>>;
let nats: Awaited<ReturnType<typeof startNats>>;
let inventory: RunningService;
const running: RunningService[] = [];

beforeAll(async () => {
  [database, nats] = await Promise.all([startOrdersDatabase(), startNats()]);
  inventory = await startService(fakeInventory, base);
}, 600_000);
afterEach(async () => {
  isInventoryAway = false;
  await Promise.all(running.splice(0).map((service) => service.stop()));
});
afterAll(async () => {
  await inventory?.stop();
  await Promise.all([nats?.stop(), database?.stop()]);
});

const address = (service: RunningService) => `http://127.0.0.1:${service.port}`;

async function startOrders(env: Record<string, string> = {}) {
  const service = await startService(orders, {
    ...base,
    POSTGRES_URI: database.uri,
    BROKER_URI: nats.uri,
    INVENTORY_URL: address(inventory),
    ...env,
  });
  running.push(service);
  const metrics = async () => (await fetch(`http://127.0.0.1:${service.managementPort}/metrics`)).text();
  return {
    metrics,
    client: grpcClient(OrdersService, { service: 'orders', url: address(service), timeoutMs: 10_000 }),
  };
}

const countEvents = async () =>
  (await database.pool.query<{ events: number }>('select count(*)::int as events from events')).rows[0]?.events;

/** A service beside orders, that hears what orders says and says its own. */
function startNeighbour() {
  const bus = jetStreamBus({
    uri: nats.uri,
    name: `neighbour-${randomUUIDv7()}`,
    log: createLogger('test', 'silent'),
    metrics: new Registry(),
  });
  const heard: PlatformEvent[] = [];
  let changed = Promise.withResolvers<void>();
  bus.consume({
    name: `neighbour-${randomUUIDv7()}`,
    topics: ORDER_TOPICS,
    async handle(event) {
      heard.push(event);
      changed.resolve();
      changed = Promise.withResolvers<void>();
      return 'done';
    },
  });
  return {
    publish: (event: PlatformEvent) =>
      bus.publisher.publish({ id: event.id, topic: event.type, json: JSON.stringify(event) }),
    /** Resolves with all events of the order once one of the type was heard. */
    async hears(orderId: string, type: PlatformEvent['type']): Promise<PlatformEvent[]> {
      for (;;) {
        const events = heard.filter(({ subject }) => subject === orderId);
        if (events.some((event) => event.type === type)) return events;
        await changed.promise;
      }
    },
    close: () => bus.close(),
  };
}

describe('orders', () => {
  test('takes several lines, with the prices that inventory asks, in one request to it', async () => {
    const { client } = await startOrders();
    asked = 0;
    const lines = [
      { productId: 'p1', qty: 2 },
      { productId: 'p2', qty: 3 },
    ];
    const created = await client.createOrder({ lines });
    expect(created).toMatchObject({ productId: 'p1', qty: 2, price: 199, total: 413, version: 2 });
    expect(asked).toBe(1);
    const { rows } = await database.pool.query('select data from events where event_id = $1', [created.id]);
    expect(rows[0]).toEqual({
      data: { lines: [{ ...lines[0], price: 199 }, { ...lines[1], price: 5 }], total: 413 }, // prettier-ignore
    });
  });

  const line = { productId: 'p1', qty: 1 };
  const nul = String.fromCharCode(0);
  test.each<[string, object, object]>([
    ['of an unknown product', { lines: [line, { productId: 'nope', qty: 1 }] }, { code: 'PRODUCT_NOT_FOUND' }],
    ['of nothing', {}, { code: 'BAD_USER_INPUT', field: 'productId' }],
    ['of no piece', { productId: 'p1' }, { code: 'BAD_USER_INPUT', field: 'qty' }],
    ['of both kinds', { ...line, lines: [line] }, { code: 'BAD_USER_INPUT', field: 'lines' }],
    ['of one product twice', { lines: [line, line] }, { code: 'BAD_USER_INPUT', field: 'lines[1].productId' }],
    ['of a product that is no text', { productId: nul, qty: 1 }, { code: 'BAD_USER_INPUT', field: 'productId' }],
    ['of half a character', { productId: '\ud800', qty: 1 }, { code: 'PRODUCT_NOT_FOUND' }],
    ['that costs too much', { productId: 'dear', qty: 2 }, { code: 'BAD_USER_INPUT', field: 'lines' }],
    ['of a user that is none', { ...line, userId: 'me' }, { code: 'BAD_USER_INPUT', field: 'userId' }],
    [
      'under a key that is none',
      { ...line, idempotencyKey: 'a b' },
      { code: 'BAD_USER_INPUT', field: 'idempotencyKey' },
    ],
    [
      'paid in shells',
      { ...line, payment: { method: 'SHELLS', token: 'x' } },
      { code: 'BAD_USER_INPUT', field: 'payment.method' },
    ],
    [
      'paid without a token',
      { ...line, payment: { method: 'PAYPAL', token: '' } },
      { code: 'BAD_USER_INPUT', field: 'payment.token' },
    ],
    [
      'paid where nobody is paid',
      { ...line, payment: { method: 'PAYPAL', token: 'x' } },
      { code: 'BAD_USER_INPUT', field: 'payment' },
    ],
  ])(
    'refuses an order %s, stores nothing of it, and takes the others that come with it',
    async (_sentence, request, error) => {
      const { client } = await startOrders();
      const before = (await countEvents())!;
      const [refused, ...taken] = await Promise.allSettled(
        [request, line, line].map((each) => client.createOrder(each)),
      );
      expect(refused).toMatchObject({ status: 'rejected', reason: error });
      expect(taken.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
      expect(await countEvents()).toBe(before + 4);
    },
  );

  test('answers a key with the order that it made first: for its user, also when that is cancelled or cannot be made any more', async () => {
    const { client } = await startOrders();
    const idempotencyKey = randomUUIDv7();
    const request = { lines: [{ productId: 'passing', qty: 1 }], userId: randomUUIDv7(), idempotencyKey };
    prices.passing = 7;
    const first = await client.createOrder(request);
    await client.cancelOrder({ id: first.id, reason: 'changed my mind' });
    expect(await client.createOrder(request)).toMatchObject({ id: first.id, total: 7 });
    delete prices.passing;
    expect(await client.createOrder(request)).toMatchObject({ id: first.id, total: 7 });
    await expect(client.createOrder({ ...request, lines: [line] })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    const others = await Promise.all([
      client.createOrder({ ...line, idempotencyKey, userId: randomUUIDv7() }),
      client.createOrder({ ...line, idempotencyKey }),
    ]);
    expect(new Set([first, ...others].map(({ id }) => id)).size).toBe(3);
  });

  test('is not available while inventory is away', async () => {
    const { client } = await startOrders();
    isInventoryAway = true;
    await expect(client.createOrder(line)).rejects.toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      service: 'inventory',
    });
  });

  test("cancels a user's own order only, and shows its trace to nobody else", async () => {
    const { client } = await startOrders();
    const userId = randomUUIDv7();
    const { id } = await client.createOrder({ ...line, userId });
    const foreign = { id, userId: randomUUIDv7() };
    await expect(client.cancelOrder({ ...foreign, reason: 'mine?' })).rejects.toMatchObject({
      code: 'ORDER_NOT_FOUND',
    });
    await expect(client.getOrderTrace(foreign)).rejects.toMatchObject({ code: 'ORDER_NOT_FOUND' });
    await expect(client.getOrderTrace({ id: randomUUIDv7() })).rejects.toMatchObject({ code: 'ORDER_NOT_FOUND' });
    await expect(client.cancelOrder({ id, reason: nul })).rejects.toMatchObject({
      code: 'BAD_USER_INPUT',
      field: 'reason',
    });
    expect(await client.cancelOrder({ id, userId, reason: 'changed my mind' })).toMatchObject({ version: 3 });
    expect(await client.cancelOrder({ id, reason: 'again' })).toMatchObject({ version: 3 });
  });

  test('follows the saga over the broker to the end and back, and tells it as a trace', async () => {
    const { client, metrics } = await startOrders({ SAGA_STEPS: 'stock,payment' });
    const neighbour = startNeighbour();
    const request = requestContextFrom((name) => (name === 'x-correlation-id' ? 'business-1' : undefined));
    const { id } = await withRequest(request, () =>
      client.createOrder({ ...line, payment: { method: 'CREDIT_CARD', token: 'tok_ok' } }),
    );
    const [created] = await neighbour.hears(id, 'order_created');
    const { correlationid, traceparent } = created!;
    const say = (event: PlatformEvent) => neighbour.publish({ ...event, correlationid, traceparent });
    await say(stockReserved(id));
    await neighbour.hears(id, 'order_stock_reserved');
    await say(paymentProcessed(id));
    await neighbour.hears(id, 'order_confirmed');
    await client.cancelOrder({ id, reason: 'changed my mind' });
    const cancelled = (await neighbour.hears(id, 'order_cancelled')).at(-1)!;
    await say({ ...stockReleased(id), causationid: cancelled.id });
    const events = await neighbour.hears(id, 'order_stock_released');
    await neighbour.close();

    expect(events.map(({ type, aggregateversion }) => [aggregateversion, type])).toEqual(
      [
        'order_created',
        'order_stock_reserved',
        'order_paid',
        'order_confirmed',
        'order_cancelled',
        'order_stock_released',
      ].map((type, index) => [index + 1, type]),
    );
    const ofSaga = events.filter(({ type }) => type !== 'order_cancelled');
    expect(ofSaga.map((event) => event.correlationid)).toEqual(Array(5).fill('business-1'));

    const trace = await client.getOrderTrace({ id });
    expect(trace).toMatchObject({ correlationId: 'business-1', traceId: traceIdOf(request.traceparent) });
    const nameOf = (eventId: string | undefined) => trace.steps.find((step) => step.eventId === eventId)?.type;
    expect(
      trace.steps.map(({ type, service, causationId, compensates }) => [
        service,
        type,
        nameOf(causationId),
        compensates,
      ]),
    ).toEqual([
      ['orders', 'order_created', undefined, false],
      ['inventory', 'stock_reserved', 'order_created', false],
      ['orders', 'order_stock_reserved', 'stock_reserved', false],
      ['payments', 'payment_processed', 'order_created', false],
      ['orders', 'order_paid', 'payment_processed', false],
      ['orders', 'order_confirmed', 'payment_processed', false],
      ['orders', 'order_cancelled', undefined, true],
      ['inventory', 'stock_released', 'order_cancelled', true],
      ['orders', 'order_stock_released', 'stock_released', true],
    ]);
    expect(await metrics()).toMatch(/orders_cancelled_total\{reason="requested",service="orders"\} 1/);
    expect(await metrics()).toMatch(/orders_saga_step_seconds_count\{[^}]*step="payment"[^}]*\} 1/);
  });

  test('cancels what no stock is heard of in time, and what has none', async () => {
    const { client } = await startOrders({ SAGA_STEPS: 'stock', STOCK_TIMEOUT: '1ms' });
    const neighbour = startNeighbour();
    const { id, version } = await client.createOrder(line);
    expect(version).toBe(1);
    expect((await neighbour.hears(id, 'order_cancelled')).at(-1)?.data).toEqual({ reason: 'stock_timeout' });
    await Promise.all(running.splice(0).map((service) => service.stop()));

    const patient = await startOrders({ SAGA_STEPS: 'stock' });
    const second = await patient.client.createOrder(line);
    await neighbour.publish(stockRejected(second.id));
    expect((await neighbour.hears(second.id, 'order_cancelled')).at(-1)?.data).toMatchObject({
      reason: 'out_of_stock',
    });
    await neighbour.close();
  });

  test.each([
    [{ SAGA_STEPS: 'payment' }, "SAGA_STEPS: must be empty, 'stock' or 'stock,payment'"],
    [{ STOCK_TIMEOUT: '30' }, 'STOCK_TIMEOUT: must be a duration'],
    [{ SNAPSHOT_INTERVAL: '0' }, 'SNAPSHOT_INTERVAL: must be at least 1'],
  ])('does not start with %j', async (env, problem) => {
    await expect(startOrders(env)).rejects.toThrow(problem);
  });
});
