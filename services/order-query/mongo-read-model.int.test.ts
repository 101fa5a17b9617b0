import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TestServer } from '@orderplane/hack/testing/server.ts';
import { startMongo } from '@orderplane/hack/testing/mongo.ts';
import { MongoClient } from 'mongodb';
import { mongoReadModel } from './mongo-read-model.ts';
import type { OrderReadModel, OrderView, Page } from './read-model.ts';

let mongo: TestServer;
beforeAll(async () => {
  mongo = await startMongo();
});
afterAll(() => mongo.stop());

test('a read model that was opened while the server was down serves once the server is back', async () => {
  await mongo.kill();
  const model = mongoReadModel(mongo.uri, 'order-query');
  try {
    // Two at once: one waits for a server while the other's failure closes what both wait on.
    const refused = await Promise.allSettled([model.check(), model.get('an-order')]);
    expect(refused).toMatchObject([
      { status: 'rejected', reason: { code: 'SERVICE_UNAVAILABLE' } },
      { status: 'rejected', reason: { code: 'SERVICE_UNAVAILABLE' } },
    ]);

    await mongo.start();
    await model.check();
    expect(await model.get('an-order')).toBeUndefined();
  } finally {
    await model.close();
  }
});

describe('lists', () => {
  const order = (id: string, more: Partial<OrderView>): OrderView => ({
    id,
    ...LINE,
    lines: [LINE],
    total: 398,
    status: 'PENDING',
    refunded: false,
    version: 1,
    createdAt: AT,
    updatedAt: AT,
    ...more,
  });
  const LINE = { productId: 'p1', qty: 2, price: 199 };
  const AT = new Date('2026-11-21T03:54:09.505Z');
  let model: OrderReadModel;
  beforeAll(async () => {
    model = mongoReadModel(Object.assign(new URL(mongo.uri), { pathname: '/lists' }).href, 'order-query');
    const orders = [
      order('1', { userId: 'ada' }),
      order('2', {}),
      order('3', { userId: 'ada' }),
      order('4', { userId: 'bob' }),
      order('5', { userId: 'ada', productId: 'hidden' }),
      order('6', { userId: 'ada' }),
    ];
    for (const each of orders) await model.apply({ kind: 'create', order: each });
  });
  afterAll(() => model.close());

  test.each<[string, Omit<Page, 'hiddenProduct'>, string[]]>([
    ["everybody's, newest first", { first: 10, owner: 'anybody' }, ['6', '4', '3', '2', '1']],
    ["a user's", { first: 10, owner: { userId: 'ada' } }, ['6', '3', '1']],
    ['a page of them, after an order', { first: 1, after: '6', owner: { userId: 'ada' } }, ['3']],
    ['those of nobody', { first: 10, owner: 'anonymous' }, ['2']],
  ])('%s', async (_, page, ids) => {
    const listed = await model.list({ ...page, hiddenProduct: 'hidden' });
    expect(listed.map(({ id }) => id)).toEqual(ids);
  });

  test('an order from before it had lines as one of one line', async () => {
    const client = new MongoClient(mongo.uri);
    const older = { ...LINE, eventId: '0', status: 'PENDING', version: 1, createdAt: AT };
    await client
      .db('lists')
      .collection<{ _id: string }>('orders')
      .insertOne({ _id: '0', ...older });
    await client.close();
    expect(await model.get('0')).toEqual(order('0', {}));
  });
});
