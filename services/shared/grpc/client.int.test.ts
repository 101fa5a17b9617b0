import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { InventoryService } from '@orderplane/contracts/gen/orderplane/inventory/v1/inventory_pb.js';
import { OrdersService } from '@orderplane/contracts/gen/orderplane/orders/v1/orders_pb.js';
import { environment, port } from '../config.ts';
import { CodedError } from '../errors.ts';
import { currentRequest, requestContextFrom, withRequest } from '../request-context.ts';
import { defineService, type RunningService, startService } from '../service.ts';
import { grpcClient } from './client.ts';
import type { ServiceImpl } from './methods.ts';
import { serveGrpc } from './server.ts';

type Orders = Partial<ServiceImpl<typeof OrdersService>>;
type Inventory = Partial<ServiceImpl<typeof InventoryService>>;

const running = new Set<RunningService>();

afterEach(async () => {
  await Promise.all([...running].map((service) => service.stop()));
  running.clear();
});

async function serve(methods: { orders?: Orders; inventory?: Inventory }, listenOn = 0): Promise<RunningService> {
  const service = defineService({
    name: 'orders',
    config: environment({ PORT: port(0) }),
    start: (context) =>
      serveGrpc(context, context.config.PORT, (router) => {
        router.service(OrdersService, methods.orders ?? {});
        router.service(InventoryService, methods.inventory ?? {});
      }),
  });
  const env = { PORT: String(listenOn), MANAGEMENT_PORT: '0', DRAIN_DELAY_MS: '0', LOG_LEVEL: 'FATAL' };
  const started = await startService(service, env);
  running.add(started);
  return started;
}

async function stop(service: RunningService): Promise<void> {
  running.delete(service);
  await service.stop();
}

const options = (listening: number) => ({ service: 'orders', url: `http://127.0.0.1:${listening}`, timeoutMs: 2000 });

describe('a call to another service', () => {
  test('carries the ids of the request that it serves', async () => {
    const seen: unknown[] = [];
    const { port: at } = await serve({
      orders: { cancelOrder: async () => (seen.push(currentRequest()), { id: '' }) },
    });
    const context = requestContextFrom((name) => ({ 'x-request-id': 'r1', 'x-correlation-id': 'c1' })[name]);
    await withRequest(context, () => grpcClient(OrdersService, options(at)).cancelOrder({}));
    expect(seen).toEqual([context]);
  });

  test('fails with TIMEOUT after its deadline, which the other side knows of', async () => {
    let aborted: Promise<void> | undefined;
    const cancelOrder: Orders['cancelOrder'] = (_request, { signal }) =>
      new Promise((_resolve, reject) => {
        aborted = new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    const { port: at } = await serve({ orders: { cancelOrder } });
    const client = grpcClient(OrdersService, { ...options(at), timeoutMs: 100 });
    await expect(client.cancelOrder({})).rejects.toMatchObject({ code: 'TIMEOUT', service: 'orders' });
    await aborted;
  });

  test('is made again when the service was away and the call changes nothing, and not otherwise', async () => {
    const calls = { createOrder: 0, listProducts: 0 };
    const unavailable = (method: keyof typeof calls) => async () => {
      calls[method] += 1;
      throw new CodedError('SERVICE_UNAVAILABLE');
    };
    const { port: at } = await serve({
      orders: { createOrder: unavailable('createOrder') },
      inventory: { listProducts: unavailable('listProducts') },
    });
    const failure = { code: 'SERVICE_UNAVAILABLE', service: 'orders' };
    await expect(grpcClient(OrdersService, options(at)).createOrder({})).rejects.toMatchObject(failure);
    await expect(grpcClient(InventoryService, options(at)).listProducts({})).rejects.toMatchObject(failure);
    expect(calls).toEqual({ createOrder: 1, listProducts: 3 });
  });

  test('of many that fail is made again only for a tenth of them, and a few more', async () => {
    let handled = 0;
    const listProducts: Inventory['listProducts'] = async () => {
      handled += 1;
      throw new CodedError('SERVICE_UNAVAILABLE');
    };
    const { port: at } = await serve({ inventory: { listProducts } });
    const client = grpcClient(InventoryService, options(at));
    for (let round = 0; round < 20; round++) {
      await Promise.allSettled(Array.from({ length: 10 }, () => client.listProducts({})));
    }
    expect(handled).toBeGreaterThan(200);
    expect(handled).toBeLessThanOrEqual(200 + 20 + 10);
  });

  test('that is running when the service stops is finished first', async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: allowed, resolve: allow } = Promise.withResolvers<void>();
    const service = await serve({ orders: { cancelOrder: async () => (begin(), await allowed, { id: 'done' }) } });
    const call = grpcClient(OrdersService, options(service.port)).cancelOrder({});
    await begun;
    const stopped = stop(service);
    allow();
    expect(await call).toMatchObject({ id: 'done' });
    await stopped;
  });

  test('is finished also when its connection would have been pinged meanwhile', async () => {
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const service = await serve({ orders: { cancelOrder: async () => (begin(), await delay(6_000), { id: 'done' }) } });
    const call = grpcClient(OrdersService, { ...options(service.port), timeoutMs: 10_000 }).cancelOrder({});
    await begun;
    const stopped = stop(service);
    expect(await call).toMatchObject({ id: 'done' });
    await stopped;
  }, 15_000);

  test('only ever fails with SERVICE_UNAVAILABLE while the service restarts, and was then not begun', async () => {
    let handled = 0;
    const orders: Orders = { createOrder: async () => ({ id: String((handled += 1)) }) };
    let service = await serve({ orders });
    const client = grpcClient(OrdersService, options(service.port));
    const outcomes: string[] = [];
    let over = false;
    const call = async () => {
      const outcome = client.createOrder({}).then(
        () => 'answered',
        (error: CodedError) => error.code,
      );
      outcomes.push(await outcome);
    };
    const callers = Array.from({ length: 8 }, async () => {
      while (!over) await call();
    });
    for (let restarts = 0; restarts < 5; restarts++) {
      const target = handled + 50;
      while (handled < target) await call();
      await stop(service);
      service = await serve({ orders }, service.port);
    }
    over = true;
    await Promise.all(callers);
    expect(outcomes.filter((outcome) => outcome !== 'answered' && outcome !== 'SERVICE_UNAVAILABLE')).toEqual([]);
    expect(outcomes.filter((outcome) => outcome === 'answered')).toHaveLength(handled);
  });

  test('waits for a service that was there a moment ago, whatever the call does, and is made once', async () => {
    let handled = 0;
    const orders: Orders = { createOrder: async () => ({ id: String((handled += 1)) }) };
    const before = await serve({ orders });
    const client = grpcClient(OrdersService, { ...options(before.port), timeoutMs: 10_000 });
    await client.createOrder({});
    await stop(before);
    const calls = Array.from({ length: 20 }, () => client.createOrder({}));
    await delay(1_500);
    await serve({ orders }, before.port);
    await Promise.all(calls);
    expect(handled).toBe(21);
  }, 15_000);

  test('fails at once when the service has been away for longer', async () => {
    const client = grpcClient(OrdersService, { ...options(1), timeoutMs: 30_000 });
    const failure = { code: 'SERVICE_UNAVAILABLE', service: 'orders' };
    await expect(client.createOrder({})).rejects.toMatchObject(failure);
    const second = Promise.race([client.createOrder({}), delay(3_000, 'still waiting')]);
    await expect(second).rejects.toMatchObject(failure);
  }, 15_000);
});
