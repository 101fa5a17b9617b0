import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { OrdersService } from '@orderplane/contracts/gen/orderplane/orders/v1/orders_pb.js';
import { environment, port } from '../config.ts';
import { defineService, startService } from '../service.ts';
import { grpcClient } from './client.ts';
import { serveGrpc } from './server.ts';

const ending: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).toReversed()) await end();
});

/** One instance of a service, whose connections soon come of age. */
async function replica(connectionAgeMs: number) {
  const handled = { calls: 0 };
  const service = defineService({
    name: 'orders',
    config: environment({ PORT: port(0) }),
    start: (context) =>
      serveGrpc(
        context,
        context.config.PORT,
        (router) => router.service(OrdersService, { createOrder: async () => ({ id: String((handled.calls += 1)) }) }),
        { connectionAgeMs },
      ),
  });
  const env = { PORT: '0', MANAGEMENT_PORT: '0', DRAIN_DELAY_MS: '0', LOG_LEVEL: 'FATAL' };
  const running = await startService(service, env);
  ending.push(() => running.stop());
  return { handled, port: running.port };
}

/** Accepts connections and never says a word. */
async function frozenReplica() {
  const server = createServer(() => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  ending.push(async () => server.close());
  return server.address() as AddressInfo;
}

/** What a Service of Kubernetes is to its clients: each new connection goes to the next of its endpoints, and stays there. */
async function balancer(endpoints: readonly { port: number }[]) {
  let accepted = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const endpoint = connect(endpoints[accepted++ % endpoints.length]!.port, '127.0.0.1');
    for (const [from, to] of [
      [client, endpoint],
      [endpoint, client],
    ] as const) {
      sockets.add(from);
      from
        .on('error', () => to.destroy())
        .on('close', () => sockets.delete(from))
        .pipe(to);
    }
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  ending.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('calls of one client spread over the replicas of a service', async () => {
  const replicas = [await replica(60_000), await replica(60_000), await replica(60_000)];
  const client = grpcClient(OrdersService, { service: 'orders', url: await balancer(replicas), timeoutMs: 10_000 });
  // Each of its connections goes to another replica, once it is up.
  while (replicas.some(({ handled }) => handled.calls === 0)) await client.createOrder({});
  for (const { handled } of replicas) handled.calls = 0;
  for (let call = 0; call < 30; call++) await client.createOrder({});
  expect(replicas.map(({ handled }) => handled.calls)).toEqual([10, 10, 10]);
});

test('a replica that accepts connections and never says a word holds up no calls while there is another', async () => {
  const endpoints = [await replica(60_000), await frozenReplica()];
  const client = grpcClient(OrdersService, { service: 'orders', url: await balancer(endpoints), timeoutMs: 2_000 });
  for (let call = 0; call < 30; call++) await client.createOrder({});
});

test('connections that are not answered are given up for others', async () => {
  const frozen = await frozenReplica();
  const answering = await replica(60_000);
  const endpoints = [frozen, frozen, frozen, answering, answering, answering];
  const client = grpcClient(OrdersService, { service: 'orders', url: await balancer(endpoints), timeoutMs: 10_000 });
  await client.createOrder({});
  expect(answering.handled.calls).toBe(1);
}, 15_000);

test('a replica that is new gets calls from clients that were there before, and none of them fails', async () => {
  const replicas = [await replica(100)];
  const client = grpcClient(OrdersService, { service: 'orders', url: await balancer(replicas), timeoutMs: 10_000 });
  for (let call = 0; call < 30; call++) await client.createOrder({});
  const fresh = await replica(100);
  replicas.push(fresh);
  let calls = 30;
  let isOver = false;
  const callers = Array.from({ length: 8 }, async () => {
    for (; !isOver; calls++) await client.createOrder({});
  });
  const enough = (async () => {
    while (fresh.handled.calls < 500) await client.createOrder({}).then(() => calls++);
    isOver = true;
  })();
  await Promise.all([enough, ...callers]);
  expect(replicas[0]!.handled.calls + fresh.handled.calls).toBe(calls);
});
