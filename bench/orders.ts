/** From the answer of createOrder to the document in app.orders, at a steady rate; and what the same MongoDB does with nothing before it. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Collection } from 'mongodb';
import type { TestCluster } from '../e2e/harness/cluster.ts';
import { createOrder } from '../e2e/harness/graphql.ts';
import { sharedPlatform } from '../e2e/harness/platform.ts';
import { connectMongo } from '../e2e/harness/stores.ts';
import { atTimes } from './arrivals.ts';
import { latencyLine } from './figures.ts';

const ORDERS = 500;
const PER_SECOND = 20;
const AT_STEADY_RATE = Array.from({ length: ORDERS }, (_, index) => (index * 1000) / PER_SECOND);
/** Between two looks into the read model; the figures are as exact as this. */
const LOOK_EVERY_MS = 5;
const GIVE_UP_MS = 30_000;

interface Document {
  readonly _id: string;
  readonly eventId: string;
}

export async function benchOrders(cluster: TestCluster): Promise<void> {
  const platform = await sharedPlatform(cluster, 'calm');
  const gateway = await platform.gatewayUrl();
  await using mongo = await connectMongo(platform);
  const database = mongo.db('app');

  const answers: number[] = [];
  const arrivals = await measureArrivals(database.collection<Document>('orders'), async () => {
    const started = performance.now();
    const { id } = await createOrder(gateway, 'p1', 1);
    answers.push(performance.now() - started);
    return id;
  });

  const bare = database.collection<Document>('bench');
  await bare.createIndex({ eventId: 1 }, { unique: true });
  const inserts = await measureArrivals(bare, async () => {
    const id = randomUUID();
    // Not awaited: the time to the document's being found includes the insert.
    void bare.insertOne({ _id: id, eventId: id });
    return id;
  });
  await bare.drop();

  console.log(latencyLine('createOrder → answer', answers));
  console.log(latencyLine('answer → document in app.orders', arrivals));
  console.log(latencyLine('bare insert → found, the same MongoDB', inserts));
}

/** Calls `place` at the rate, whatever it takes, and measures from its answer until a document with that eventId is found. */
async function measureArrivals(collection: Collection<Document>, place: () => Promise<string>): Promise<number[]> {
  const waiting = new Map<string, number>();
  const arrivals: number[] = [];
  let failure: unknown;
  const placing = atTimes(AT_STEADY_RATE, async () => {
    try {
      waiting.set(await place(), performance.now());
    } catch (error) {
      failure ??= error;
    }
  });
  const deadline = performance.now() + (ORDERS / PER_SECOND) * 1000 + GIVE_UP_MS;
  while (arrivals.length < ORDERS) {
    if (failure !== undefined) throw failure;
    if (performance.now() > deadline)
      throw new Error(`${ORDERS - arrivals.length} of ${ORDERS} documents did not arrive`);
    // One by one and by _id, which is the order's id as well: of what can be asked here, only that is an index look-up in the stand-in.
    const looks = [...waiting.keys()].map(async (id) => {
      if (!(await collection.findOne({ _id: id, eventId: id }))) return;
      arrivals.push(performance.now() - waiting.get(id)!);
      waiting.delete(id);
    });
    await Promise.all(looks);
    await delay(LOOK_EVERY_MS);
  }
  await placing;
  return arrivals;
}
