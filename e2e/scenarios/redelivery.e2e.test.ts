/** At least once on the broker, once in the read model. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers } from '@nats-io/transport-node';
import { afterAll, expect, test } from '@jest/globals';
import { openCluster } from '../harness/cluster.ts';
import { eventually } from '../harness/eventually.ts';
import { createOrder } from '../harness/graphql.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { connectBroker, connectMongo } from '../harness/stores.ts';

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'calm');
const mongo = await connectMongo(platform);
const broker = await connectBroker(platform);
const manager = await jetstreamManager(broker, { checkAPI: false });

afterAll(async () => {
  await broker.close();
  await mongo.close();
  await cluster.close();
});

const projectionHasHandled = (sequence: number) =>
  eventually(async () => (await manager.consumers.info('ORDERS', 'order-query')).ack_floor.stream_seq >= sequence, {
    timeoutMs: 15_000,
    what: `the acknowledgement of message ${sequence}`,
  });

test('the same event under another broker id changes nothing', async () => {
  const { id } = await createOrder(await platform.gatewayUrl(), 'p1', 4);
  const orders = mongo.db('app').collection('orders');
  const confirmed = { eventId: id, status: 'CONFIRMED' };
  const what = 'the confirmed order in the read model';
  await eventually(async () => (await orders.countDocuments(confirmed)) === 1, { timeoutMs: 10_000, what });
  const { state } = await manager.streams.info('ORDERS');
  await projectionHasHandled(state.last_seq);
  const before = await orders.find({ eventId: id }).toArray();

  const original = await manager.streams.getMessage('ORDERS', { last_by_subj: 'order_created' });
  expect(original?.json<{ id: string }>().id).toBe(id);
  const sequences: number[] = [];
  for (const attempt of [1, 2, 3]) {
    const asNew = headers();
    asNew.set('Nats-Msg-Id', `${id}-again-${attempt}`);
    const ack = await jetstream(broker).publish('order_created', original!.data, { headers: asNew });
    expect(ack.duplicate).toBe(false);
    sequences.push(ack.seq);
  }
  await projectionHasHandled(Math.max(...sequences));

  expect(await orders.find({ eventId: id }).toArray()).toEqual(before);
  expect(before).toHaveLength(1);
}, 60_000);
