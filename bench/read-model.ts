/**
 * From a command to the read model at a steady rate: createOrder, and then, for every tenth, GetOrder of order-query, which waits until it has the
 * order at that version. orders, inventory and order-query are processes of their own. And what the same MongoDB does at that rate with nothing before it.
 */
import { randomUUID } from 'node:crypto';
import { OrderQueryService } from '@orderplane/contracts/gen/orderplane/orderquery/v1/order_query_pb.js';
import { OrdersService } from '@orderplane/contracts/gen/orderplane/orders/v1/orders_pb.js';
import { startMongo } from '@orderplane/hack/testing/mongo.ts';
import { grpcClient } from '@orderplane/shared/grpc/client.ts';
import { MongoClient } from 'mongodb';
import { arrivals, atTimes } from './arrivals.ts';
import { latencyLine } from './figures.ts';
import { PRODUCT, startOrders } from './orders-process.ts';
import { startService } from './service-process.ts';

const PER_SECOND = 150;
const WARM_UP_S = 5;
const MEASURE_S = 20;
/** A look costs the stand-in about as much as a write. */
const FOLLOW_EVERY = 10;
const TIMEOUT_MS = 10_000;
const GIVE_UP_MS = 30_000;

export async function benchReadModel(): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const { orders, brokerUri, folder } = await startOrders(stack);
  const mongo = await startMongo();
  stack.defer(() => mongo.stop());
  const mongoUri = Object.assign(new URL(mongo.uri), { pathname: '/app' }).href;
  const orderQuery = await startService('order-query', { folder, env: { MONGO_URI: mongoUri, BROKER_URI: brokerUri } });
  stack.defer(() => orderQuery.stop());
  const client = new MongoClient(mongoUri);
  stack.defer(() => client.close());
  await client.db().collection('orders').createIndex({ eventId: 1 }, { unique: true });
  const commands = grpcClient(OrdersService, { service: 'orders', url: orders.url, timeoutMs: TIMEOUT_MS });
  const queries = grpcClient(OrderQueryService, { service: 'order-query', url: orderQuery.url, timeoutMs: TIMEOUT_MS });

  const answers: number[] = [];
  const seen: number[] = [];
  let placed = 0;
  const place = async () => {
    const started = performance.now();
    const { id, version } = await commands.createOrder({ productId: PRODUCT, qty: 1 });
    answers.push(performance.now() - started);
    if (placed++ % FOLLOW_EVERY > 0) return;
    // It waits for 2 s, then answers as it is.
    const isThere = () =>
      queries.getOrder({ id, minVersion: version }).then(
        ({ order }) => (order?.version ?? 0) >= version,
        () => false,
      );
    while (!(await isThere())) {
      if (performance.now() - started > GIVE_UP_MS) throw new Error(`order ${id} did not get into the read model`);
    }
    seen.push(performance.now() - started);
  };
  await timesOf(place, WARM_UP_S);
  answers.length = 0;
  seen.length = 0;
  await timesOf(place, MEASURE_S);

  const bare = client.db().collection<{ _id: string }>('bench');
  const found = await timesOf(async () => {
    const _id = randomUUID();
    await bare.insertOne({ _id });
    if (!(await bare.findOne({ _id }))) throw new Error(`document ${_id} is not there`);
  }, MEASURE_S);

  console.log(latencyLine(`createOrder → answer, ${PER_SECOND} a second`, answers));
  console.log(latencyLine(`createOrder → read model, ${PER_SECOND} a second`, seen));
  console.log(latencyLine('bare insert and find, the same MongoDB', found));
}

/** How long each takes, in milliseconds, of a crowd that comes at the rate. */
function timesOf(work: () => Promise<void>, seconds: number): Promise<number[]> {
  return atTimes(arrivals({ perSecond: PER_SECOND, seconds }), async () => {
    const began = performance.now();
    await work();
    return performance.now() - began;
  });
}
