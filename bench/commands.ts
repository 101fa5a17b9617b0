/**
 * createOrder over gRPC until it is stored, with orders and inventory in processes of their own, the outbox relayed to NATS, and nobody who
 * follows the orders: inventory tells prices, and hears another broker. And what the same Postgres commits with nothing before it.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { OrdersService } from '@orderplane/contracts/gen/orderplane/orders/v1/orders_pb.js';
import { startNats } from '@orderplane/hack/testing/nats.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { serviceDatabase } from '@orderplane/hack/testing/service-database.ts';
import { temporaryFolder } from '@orderplane/hack/testing/temporary-folder.ts';
import { grpcClient } from '@orderplane/shared/grpc/client.ts';
import pg from 'pg';
import { figureLine, latencyLine } from './figures.ts';
import { startService } from './service-process.ts';

const WARM_UP_MS = 3000;
const MEASURE_MS = 10_000;
const CONCURRENCY = 64;
/** For the latencies: what is promised, where nothing queues up. */
const PER_SECOND = 500;

export async function benchCommands(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const folder = await temporaryFolder('orderplane-commands-');
  stack.defer(() => folder.remove());
  const [postgres, nats, quiet] = await Promise.all([startPostgres({ fsync: true }), startNats(), startNats()]);
  for (const server of [postgres, nats, quiet]) stack.defer(() => server.stop());
  const inventoryUri = await serviceDatabase(postgres, 'inventory');
  const ordersUri = await serviceDatabase(postgres, 'orders');
  const pool = new pg.Pool({ connectionString: ordersUri, max: 32 });
  stack.defer(() => pool.end());
  await addProduct(inventoryUri);

  const inventory = await startService('inventory', {
    folder: folder.path,
    env: { BROKER_URI: quiet.uri, POSTGRES_URI: inventoryUri },
  });
  stack.defer(() => inventory.stop());
  const orders = await startService('orders', {
    folder: folder.path,
    env: { BROKER_URI: nats.uri, POSTGRES_URI: ordersUri, INVENTORY_URL: inventory.url },
  });
  stack.defer(() => orders.stop());
  const client = grpcClient(OrdersService, { service: 'orders', url: orders.url, timeoutMs: 10_000 });
  const place = async () => void (await client.createOrder({ productId: 'p1', qty: 1 }));
  const commit = async () => void (await pool.query(ONE_ROW, [randomUUID(), 'x'.repeat(ROW_BYTES)]));

  await inParallel(CONCURRENCY, WARM_UP_MS, place);
  const cpuBefore = await orders.cpuSeconds();
  const most = await inParallel(CONCURRENCY, MEASURE_MS, place);
  const cpuMs = ((await orders.cpuSeconds()) - cpuBefore) * 1000;
  const steady = await atSteadyRate(place);
  await pool.query('create table bench (id uuid primary key, event text not null)');
  const ceiling = await inParallel(32, MEASURE_MS, commit);

  const share = Math.round((100 * most.perSecond) / ceiling.perSecond);
  const what = `createOrder, ${CONCURRENCY} at a time`;
  console.log(figureLine(what, `${Math.round(most.perSecond)}/s, ${share} % of the commits below`));
  console.log(latencyLine(what, most.latencies));
  console.log(figureLine('processor time of orders, a command', `${(cpuMs / most.latencies.length).toFixed(2)} ms`));
  console.log(latencyLine(`createOrder, ${PER_SECOND} a second`, steady));
  console.log(figureLine('bare commits of one row, 32 at a time', `${Math.round(ceiling.perSecond)}/s`));
  console.log(latencyLine('bare commits of one row, 32 at a time', ceiling.latencies));
}

const ONE_ROW = 'insert into bench (id, event) values ($1, $2)';
/** About what the events of an order have. */
const ROW_BYTES = 400;

async function addProduct(uri: string): Promise<void> {
  const client = new pg.Client(uri);
  await client.connect();
  await client.query(`insert into products (id, name, price) values ('p1', 'Widget', 199)`);
  await client.end();
}

interface Measured {
  readonly perSecond: number;
  readonly latencies: readonly number[];
}

/** As many as there can be, each worker one after the other. */
async function inParallel(workers: number, ms: number, work: () => Promise<void>): Promise<Measured> {
  const latencies: number[] = [];
  const started = performance.now();
  const worker = async () => {
    for (;;) {
      const began = performance.now();
      if (began - started > ms) return;
      await work();
      latencies.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
  return { perSecond: (latencies.length * 1000) / (performance.now() - started), latencies };
}

/** Latencies at the rate, each from when it was due. */
async function atSteadyRate(work: () => Promise<void>): Promise<number[]> {
  const count = (PER_SECOND * MEASURE_MS) / 1000;
  const started = performance.now();
  const under: Promise<number>[] = [];
  while (under.length < count) {
    const due = started + (under.length * 1000) / PER_SECOND;
    if (due > performance.now()) await delay(1);
    else under.push(work().then(() => performance.now() - due));
  }
  return Promise.all(under);
}
