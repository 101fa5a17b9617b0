import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TestServer } from '@orderplane/hack/testing/server.ts';
import { startMongo } from '@orderplane/hack/testing/mongo.ts';
import fc from 'fast-check';
import { MongoClient } from 'mongodb';
import { mongoReadModel } from './mongo-read-model.ts';
import type { Change, OrderReadModel, OrderView, Page } from './read-model.ts';

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

const LINE = { productId: 'p1', qty: 2, price: 199 };
const AT = new Date('2026-11-21T03:54:09.505Z');
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
const openModel = (database: string) =>
  mongoReadModel(Object.assign(new URL(mongo.uri), { pathname: `/${database}` }).href, 'order-query');

describe('changes that come at the same time', () => {
  let model: OrderReadModel;
  beforeAll(() => {
    model = openModel('changes');
  });
  afterAll(() => model.close());

  const LATER = new Date('2026-11-21T03:54:10.505Z');
  const changesOf = (id: string): Change[] => [
    { kind: 'create', order: order(id, {}) },
    { kind: 'advance', id, version: 2, to: { status: 'STOCK_RESERVED', updatedAt: AT } },
    { kind: 'advance', id, version: 3, to: { status: 'CANCELLED', updatedAt: AT, cancelReason: 'PAYMENT_DECLINED' } },
    { kind: 'advance', id, version: 4, to: { status: 'CANCELLED', updatedAt: LATER, refunded: true } },
  ];
  const afterAllOf = (id: string) =>
    order(id, { version: 4, status: 'CANCELLED', cancelReason: 'PAYMENT_DECLINED', refunded: true, updatedAt: LATER });
  const apply = (changes: readonly Change[]) => Promise.all(changes.map((change) => model.apply(change)));

  test('to new orders and to some that are there are all applied', async () => {
    const [made, others] = [changesOf('made'), changesOf('other')];
    expect(await apply(made.slice(0, 1))).toEqual(['applied']);
    expect(await apply([...made.slice(1), ...others])).toEqual(Array.from({ length: 7 }, () => 'applied'));
    expect([await model.get('made'), await model.get('other')]).toEqual([afterAllOf('made'), afterAllOf('other')]);
  });

  test('make no difference when they come again, or before what they build on', async () => {
    const [first, second, third, fourth] = changesOf('late') as [Change, Change, Change, Change];
    expect(await apply([fourth, third])).toEqual(['early', 'early']);
    expect(await apply([second, fourth, first, first])).toEqual(['applied', 'early', 'applied', 'applied']);
    expect(await apply([fourth, third, second, fourth])).toEqual(['applied', 'applied', 'applied', 'applied']);
    expect(await model.get('late')).toEqual(afterAllOf('late'));
  });

  test('end as one after the other do, whatever their order', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `any-${index}`);
    const places = fc.array(fc.nat(), { minLength: 96, maxLength: 96 });
    const [shuffling = []] = fc.sample(places, { numRuns: 1, seed: 7 });
    let left = ids
      .flatMap((id) => [...changesOf(id), ...changesOf(id)])
      .map((change, index) => ({ change, place: shuffling[index] ?? 0 }))
      .toSorted((a, b) => a.place - b.place)
      .map(({ change }) => change);
    for (let round = 0; left.length > 0 && round < 5; round++) {
      const answers = await apply(left);
      left = left.filter((_, index) => answers[index] === 'early');
    }
    expect(left).toEqual([]);
    expect(await Promise.all(ids.map((id) => model.get(id)))).toEqual(ids.map(afterAllOf));
  });
});

describe('lists', () => {
  let model: OrderReadModel;
  beforeAll(async () => {
    model = openModel('lists');
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
