import { randomUUIDv7 } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OrderTopic } from '@orderplane/contracts/topics.ts';
import { startMongo } from '@orderplane/hack/testing/mongo.ts';
import { startNats } from '@orderplane/hack/testing/nats.ts';
import type { EventBus } from '@orderplane/shared/events/bus.ts';
import { jetStreamBus } from '@orderplane/shared/events/jetstream/bus.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { type Document, MongoClient } from 'mongodb';
import { Registry } from 'prom-client';
import { mongoReadModel } from './mongo-read-model.ts';
import { changeOf, PROJECTED_TOPICS } from './projection.ts';
import type { OrderReadModel } from './read-model.ts';
import { rebuild } from './rebuild.ts';

const log = createLogger('test', process.env.LOG_LEVEL?.toLowerCase() ?? 'silent');
let stores: { mongo: Awaited<ReturnType<typeof startMongo>>; nats: Awaited<ReturnType<typeof startNats>> };
let client: MongoClient;
let bus: EventBus;
let readModel: OrderReadModel;

beforeAll(async () => {
  const [mongo, nats] = await Promise.all([startMongo(), startNats()]);
  stores = { mongo, nats };
  client = new MongoClient(Object.assign(new URL(mongo.uri), { pathname: '/app' }).href);
  await collection('orders').createIndex({ eventId: 1 }, { name: 'orders_event_id', unique: true });
  bus = jetStreamBus({ uri: nats.uri, name: 'order-query', log, metrics: new Registry() });
  readModel = mongoReadModel(Object.assign(new URL(mongo.uri), { pathname: '/app' }).href, 'order-query');
  bus.consume({
    name: 'order-query',
    topics: PROJECTED_TOPICS,
    handle: async (event) => ((await readModel.apply(changeOf(event))) === 'early' ? 'early' : 'done'),
  });
}, 600_000);
afterAll(async () => {
  await bus?.close();
  await readModel?.close();
  await client?.close();
  await Promise.all([stores?.mongo.stop(), stores?.nats.stop()]);
});

const collection = (name: string) => client.db().collection<Document & { _id: string }>(name);
const stored = (name = 'orders') => collection(name).find().sort({ _id: 1 }).toArray();

async function publish(orderId: string, version: number, type: OrderTopic, data: object): Promise<void> {
  const id = version === 1 ? orderId : randomUUIDv7();
  const event = {
    specversion: '1.0',
    id,
    source: '/test',
    type,
    subject: orderId,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    schemaversion: type === 'order_created' ? 2 : 1,
    aggregateversion: version,
    data,
  };
  await bus.publisher.publish({ id, topic: type, json: JSON.stringify(event) });
}

async function order(): Promise<string> {
  const id = randomUUIDv7();
  const lines = [{ productId: 'p1', qty: 2, price: 199 }];
  await publish(id, 1, 'order_created', { lines, total: 398 });
  await publish(id, 2, 'order_stock_reserved', {});
  await publish(id, 3, 'order_cancelled', { reason: 'out_of_stock' });
  return id;
}

async function projected(ids: readonly string[]): Promise<void> {
  const deadline = Date.now() + 30_000;
  while ((await collection('orders').countDocuments({ _id: { $in: [...ids] }, version: 3 })) < ids.length) {
    if (Date.now() > deadline) throw new Error('the events were never projected');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('a rebuild', () => {
  test('makes the same of the same events, and nothing of what came from elsewhere', async () => {
    const ids = await Promise.all(Array.from({ length: 50 }, order));
    await projected(ids);
    const before = await stored();
    await collection('orders').insertOne({ _id: 'from-elsewhere', eventId: 'from-elsewhere' });
    await collection('orders').updateOne({ _id: ids[0] as string }, { $set: { status: 'CONFIRMED' } });

    expect(await rebuild({ name: 'order-query', bus, readModel })).toBe(150);
    expect(await stored()).toEqual(before);
    expect((await collection('orders').indexes()).map(({ name }) => name)).toContain('orders_event_id');
    expect(await client.db().listCollections({ name: 'orders_rebuilt' }).toArray()).toEqual([]);
  }, 120_000);

  test('loses nothing of what is projected meanwhile', async () => {
    const stop = new AbortController();
    const ordering = (async () => {
      const ids: string[] = [];
      while (!stop.signal.aborted) {
        ids.push(await order());
        await projected(ids.slice(-1));
      }
      return ids;
    })();
    for (let times = 0; times < 2; times++) await rebuild({ name: 'order-query', bus, readModel });
    stop.abort();
    const ids = await ordering;
    expect(ids.length).toBeGreaterThan(0);
    await projected(ids);
  }, 120_000);

  test('replaces nothing when the broker no longer holds the beginning', async () => {
    const before = await stored();
    const orphan = randomUUIDv7();
    await publish(orphan, 2, 'order_confirmed', {});
    await expect(rebuild({ name: 'order-query', bus, readModel })).rejects.toThrow(
      `does not hold what came before version 2 of order ${orphan}`,
    );
    expect(await stored()).toEqual(before);
  }, 120_000);
});
