/**
 * createOrder over gRPC until it is stored, with orders and inventory in processes of their own, the outbox relayed to NATS, and nobody who
 * follows the orders: inventory tells prices, and hears another broker. And what the same Postgres commits with nothing before it.
 */
import { randomUUID } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { CreateOrderRequestSchema, OrdersService } from '@orderplane/contracts/gen/orderplane/orders/v1/orders_pb.js';
import pg from 'pg';
import { eventually } from '../operator/controllers/testing/eventually.ts';
import { arrivals, atTimes } from './arrivals.ts';
import { figureLine, latencyLine } from './figures.ts';
import { grpcLoad, type Load, type Loaded } from './grpc-load.ts';
import { PRODUCT, startOrders } from './orders-process.ts';

const WARM_UP_S = 3;
const MEASURE_S = 10;
const CONCURRENCY = 64;
/** For the latencies: what is promised, where nothing queues up. */
const PER_SECOND = 500;

export async function benchCommands(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { orders, ordersUri, folder } = await startOrders(stack);
  const pool = new pg.Pool({ connectionString: ordersUri, max: 32 });
  stack.defer(() => pool.end());
  const request = create(CreateOrderRequestSchema, { productId: PRODUCT, qty: 1 });
  const message = toBinary(CreateOrderRequestSchema, request);
  const { typeName, method } = OrdersService;
  const target = { url: orders.url, method: `${typeName}/${method.createOrder.name}`, message, folder };
  /** An order that was refused has an answer, too: all that were answered have to be stored. */
  const place = async (load: Load) => {
    const before = await storedOrders(pool);
    const loaded = await grpcLoad(target, load);
    const stored = (await storedOrders(pool)) - before;
    if (stored < loaded.latencies.length) throw new Error(`${loaded.latencies.length} were answered, ${stored} stored`);
    return loaded;
  };
  const commit = async () => {
    const began = performance.now();
    await pool.query(ONE_ROW, [randomUUID(), 'x'.repeat(ROW_BYTES)]);
    return performance.now() - began;
  };
  await pool.query('create table bench (id uuid primary key, event text not null)');

  await place({ atOnce: CONCURRENCY, seconds: WARM_UP_S });
  await outboxIsEmpty(pool);
  const steadily = { perSecond: PER_SECOND, seconds: MEASURE_S };
  const steady = await place(steadily);
  const bareSteady = await atTimes(arrivals(steadily), commit);
  const cpuBefore = await orders.cpuSeconds();
  const most = await place({ atOnce: CONCURRENCY, seconds: MEASURE_S });
  const cpuMs = ((await orders.cpuSeconds()) - cpuBefore) * 1000;
  const behind = await outboxIsEmpty(pool);
  const ceiling = await inParallel(32, MEASURE_S * 1000, commit);

  const share = Math.round((100 * most.perSecond) / ceiling.perSecond);
  const what = `createOrder, ${CONCURRENCY} at a time`;
  console.log(figureLine(what, `${Math.round(most.perSecond)}/s, ${share} % of the commits below`));
  console.log(latencyLine(what, most.latencies));
  console.log(figureLine('processor time of orders, a command', `${(cpuMs / most.latencies.length).toFixed(2)} ms`));
  console.log(figureLine('the last of them → all at the broker', `${(behind / 1000).toFixed(1)} s`));
  console.log(latencyLine(`createOrder, ${PER_SECOND} a second`, steady.latencies));
  console.log(latencyLine(`bare commits of one row, ${PER_SECOND} a second`, bareSteady));
  console.log(figureLine('bare commits of one row, 32 at a time', `${Math.round(ceiling.perSecond)}/s`));
  console.log(latencyLine('bare commits of one row, 32 at a time', ceiling.latencies));
}

const ONE_ROW = 'insert into bench (id, event) values ($1, $2)';
/** About what the events of an order have. */
const ROW_BYTES = 400;

async function storedOrders(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ orders: number }>('select count(*)::int as orders from events where version = 1');
  return rows[0]?.orders ?? 0;
}

/** Until all that was stored is at the broker: how many milliseconds that took. */
async function outboxIsEmpty(pool: pg.Pool): Promise<number> {
  const started = performance.now();
  await eventually('the outbox is empty', async () => (await pool.query('select from outbox limit 1')).rowCount === 0);
  return performance.now() - started;
}

/** As many as there can be, each worker one after the other. Work tells how long it took, in milliseconds. */
async function inParallel(workers: number, ms: number, work: () => Promise<number>): Promise<Loaded> {
  const latencies: number[] = [];
  const started = performance.now();
  const worker = async () => {
    for (;;) {
      if (performance.now() - started > ms) return;
      latencies.push(await work());
    }
  };
  await Promise.all(Array.from({ length: workers }, worker));
  return { perSecond: (latencies.length * 1000) / (performance.now() - started), latencies };
}
