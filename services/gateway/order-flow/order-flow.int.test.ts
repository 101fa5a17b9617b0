import { randomUUIDv7 } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jetstream } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { VERIFICATION_PRODUCT } from '@orderplane/contracts/products.ts';
import { SignJWT } from 'jose';
import {
  eventually,
  graphql,
  startPlatform,
  startStores,
  type Stores,
  type TestPlatform,
  VERIFICATION_KEY,
} from './platform.ts';

interface CreatedOrder {
  createOrder: { id: string; productId: string; qty: number; createdAt: string } | null;
}

const CREATE =
  'mutation ($productId: ID!, $qty: Int!) { createOrder(productId: $productId, qty: $qty) { id productId qty createdAt } }';

let stores: Stores;
let platform: TestPlatform;

beforeAll(async () => {
  stores = await startStores();
  platform = await startPlatform(stores);
}, 600_000);

afterAll(async () => {
  await platform?.stop();
  await stores?.stop();
}, 60_000);

const create = (productId = 'p1', qty = 1, headers: Record<string, string> = {}) =>
  graphql<CreatedOrder>(platform, CREATE, { productId, qty }, headers);
const documents = (ids: readonly string[]) =>
  stores.readModel
    .collection('orders')
    .find({ eventId: { $in: [...ids] } })
    .toArray();
const arrived = (ids: readonly string[], version = 2) =>
  eventually(
    () => documents(ids),
    (found) => found.length >= ids.length && found.every((order) => order.version >= version),
  );

/** Places orders, each answered before the next, for as long as the disturbance lasts; the ids of those that got an answer. */
async function placeWhile(disturbance: () => Promise<void>): Promise<string[]> {
  const ids: string[] = [];
  let over = false;
  const disturbed = disturbance().finally(() => (over = true));
  while (!over) {
    const { data } = await create();
    if (data.createOrder) ids.push(data.createOrder.id);
  }
  await disturbed;
  return ids;
}

describe('an order', () => {
  test('arrives in the read model as one document that bears its id, and can be asked for', async () => {
    const { data } = await create('p1', 3);
    expect(data.createOrder).toMatchObject({ productId: 'p1', qty: 3, createdAt: expect.any(String) });
    const { id, createdAt } = data.createOrder!;
    const [document, ...others] = await arrived([id]);
    expect(others).toEqual([]);
    expect(document).toMatchObject({
      eventId: id,
      productId: 'p1',
      qty: 3,
      price: 199,
      status: 'CONFIRMED',
      version: 2,
    });

    const asked = await graphql(
      platform,
      'query ($id: ID!) { order(id: $id) { id productId qty status createdAt version } }',
      { id },
    );
    expect(asked.data).toEqual({ order: { id, productId: 'p1', qty: 3, status: 'CONFIRMED', createdAt, version: 2 } });
  });

  test('is made once for one idempotency key, however often it is sent', async () => {
    const headers = { 'idempotency-key': randomUUIDv7() };
    const answers = await Promise.all([create('p1', 2, headers), create('p1', 2, headers), create('p1', 2, headers)]);
    const ids = new Set(answers.map(({ data }) => data.createOrder?.id));
    expect(ids.size).toBe(1);
    expect([...ids]).toEqual([expect.any(String)]);
    const other = await create('p1', 5, headers);
    expect(other.errors?.[0]?.extensions).toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  test('is listed newest first, page by page', async () => {
    const made = [await create(), await create(), await create()].map(({ data }) => data.createOrder!.id);
    await arrived(made);
    const list = 'query ($first: Int!, $after: String) { orders(first: $first, after: $after) { items { id } next } }';
    type Page = { orders: { items: { id: string }[]; next: string | null } };
    const first = (await graphql<Page>(platform, list, { first: 2 })).data.orders;
    const second = (await graphql<Page>(platform, list, { first: 2, after: first.next })).data.orders;
    expect([...first.items, ...second.items].slice(0, 3).map(({ id }) => id)).toEqual(made.toReversed());
  });

  test.each<[string, string, Record<string, unknown>, Record<string, unknown>]>([
    ['a product that does not exist', CREATE, { productId: 'nope', qty: 1 }, { code: 'PRODUCT_NOT_FOUND' }],
    [
      'the product of verification, without its token',
      CREATE,
      { productId: VERIFICATION_PRODUCT, qty: 1 },
      { code: 'PRODUCT_NOT_FOUND' },
    ],
    ['no piece', CREATE, { productId: 'p1', qty: 0 }, { code: 'BAD_USER_INPUT', field: 'qty' }],
    ['less than nothing', CREATE, { productId: 'p1', qty: -1 }, { code: 'BAD_USER_INPUT', field: 'qty' }],
    ['too many pieces', CREATE, { productId: 'p1', qty: 10_001 }, { code: 'BAD_USER_INPUT', field: 'qty' }],
    ['half a piece', CREATE, { productId: 'p1', qty: 0.5 }, { code: 'BAD_USER_INPUT' }],
    ['nothing at all', CREATE, { productId: '', qty: 1 }, { code: 'BAD_USER_INPUT', field: 'productId' }],
    ['its cancellation, without a token', 'mutation { cancelOrder(id: "x") { id } }', {}, { code: 'UNAUTHENTICATED' }],
    ['an empty page', '{ orders(first: 0) { next } }', {}, { code: 'BAD_USER_INPUT', field: 'first' }],
    [
      'far too much at once',
      `{ ${Array.from({ length: 11 }, (_, i) => `a${i}: products { id }`).join(' ')} }`,
      {},
      { code: 'BAD_USER_INPUT' },
    ],
  ])(
    'is refused with a clear error, and stores nothing, when it asks for %s',
    async (_sentence, query, variables, extensions) => {
      const before = await stores.countEvents();
      const { errors } = await graphql(platform, query, variables);
      expect(errors).toEqual([expect.objectContaining({ extensions: expect.objectContaining(extensions) })]);
      expect(await stores.countEvents()).toBe(before);
    },
  );
});

describe('verification', () => {
  const token = (claims: { scope?: string; aud?: string; exp?: string } = {}, key = VERIFICATION_KEY) =>
    new SignJWT({ scope: claims.scope ?? 'verify' })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('orderplane-operator')
      .setAudience(claims.aud ?? 'gateway')
      .setExpirationTime(claims.exp ?? '1m')
      .sign(new TextEncoder().encode(key));
  const CANCEL = 'mutation ($id: ID!) { cancelOrder(id: $id) { id status } }';

  test('orders its product and cancels it, and leaves no trace in the lists', async () => {
    const headers = { authorization: `Bearer ${await token()}` };
    const { data } = await create(VERIFICATION_PRODUCT, 1, headers);
    const id = data.createOrder!.id;
    await arrived([id]);
    const cancelled = await graphql(platform, CANCEL, { id }, headers);
    expect(cancelled.data).toEqual({ cancelOrder: { id, status: 'CANCELLED' } });
    expect(await arrived([id], 3)).toMatchObject([{ status: 'CANCELLED', version: 3 }]);
    const lists = await graphql(platform, '{ products { id } orders(first: 100) { items { id productId } } }');
    expect(JSON.stringify(lists.data)).not.toContain(id);
    expect(JSON.stringify(lists.data)).not.toContain(VERIFICATION_PRODUCT);
  });

  test("does not get to cancel a customer's order", async () => {
    const { data } = await create();
    const { errors } = await graphql(
      platform,
      CANCEL,
      { id: data.createOrder!.id },
      { authorization: `Bearer ${await token()}` },
    );
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'ORDER_NOT_FOUND' });
  });

  test.each<[string, Promise<string>, string]>([
    ['signed with another key', token({}, 'another key of a sufficient length'), 'UNAUTHENTICATED'],
    ['for another audience', token({ aud: 'orders' }), 'UNAUTHENTICATED'],
    ['that has expired', token({ exp: '-1s' }), 'UNAUTHENTICATED'],
    ['of another scope', token({ scope: 'read' }), 'FORBIDDEN'],
  ])('refuses a token %s', async (_sentence, signed, code) => {
    const { errors } = await graphql(platform, CANCEL, { id: 'x' }, { authorization: `Bearer ${await signed}` });
    expect(errors?.[0]?.extensions).toMatchObject({ code });
  });
});

describe('events', () => {
  const event = (type: string, orderId: string, aggregateversion: number, data: object) => ({
    specversion: '1.0',
    id: aggregateversion === 1 ? orderId : randomUUIDv7(),
    source: '/test',
    type,
    subject: orderId,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    schemaversion: 1,
    aggregateversion,
    data,
  });
  const created = (id: string) => event('order_created', id, 1, { productId: 'p1', qty: 1, price: 1 });
  const publish = async (...events: { type: string }[]) => {
    const connection = await connect({ servers: stores.nats.uri });
    const client = jetstream(connection);
    for (const each of events) await client.publish(each.type, JSON.stringify(each), { msgID: randomUUIDv7() });
    await connection.drain();
  };

  test('delivered again under another id of the broker change nothing', async () => {
    const id = randomUUIDv7();
    const history = [
      created(id),
      event('order_confirmed', id, 2, {}),
      event('order_cancelled', id, 3, { reason: 'x' }),
    ];
    await publish(...history, ...history);
    const after = randomUUIDv7();
    await publish(created(after), event('order_confirmed', after, 2, {}));
    await arrived([after]);
    expect(await arrived([id], 3)).toMatchObject([{ eventId: id, status: 'CANCELLED', version: 3 }]);
  });

  test('that overtake one another end in the same state', async () => {
    const id = randomUUIDv7();
    const [first, second, third] = [
      created(id),
      event('order_confirmed', id, 2, {}),
      event('order_cancelled', id, 3, { reason: 'x' }),
    ];
    await publish(third, second, first);
    expect(await arrived([id], 3)).toMatchObject([{ status: 'CANCELLED', version: 3 }]);
  });
});

describe('every order that was answered arrives, once,', () => {
  test('when the broker was away meanwhile; and orders are taken without it', async () => {
    await stores.nats.kill();
    const without = await Promise.all(Array.from({ length: 20 }, () => create()));
    const ids = without.map(({ data }) => data.createOrder!.id);
    const ready = await fetch(`http://127.0.0.1:${platform.services.orders.managementPort}/readyz`);
    expect(await ready.json()).toEqual({ ready: true, checks: { postgres: 'ok', broker: 'failing' } });
    await stores.nats.start();
    ids.push(...(await placeWhile(async () => void (await arrived(ids)))));
    expect(await arrived(ids)).toHaveLength(ids.length);
  }, 60_000);

  test('when Postgres was killed meanwhile', async () => {
    const ids = await placeWhile(async () => {
      await stores.postgres.kill();
      const { errors } = await create();
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
      await stores.postgres.start();
      await eventually(create, ({ data }) => data.createOrder !== null);
    });
    expect(await arrived(ids)).toHaveLength(ids.length);
  }, 60_000);

  test('when MongoDB was away meanwhile; and queries say which service is at fault', async () => {
    await stores.mongo.kill();
    const ids = (await Promise.all(Array.from({ length: 20 }, () => create()))).map(({ data }) => data.createOrder!.id);
    const asked = await graphql(platform, '{ orders { next } }');
    expect(asked.errors?.[0]?.extensions).toMatchObject({ code: 'SERVICE_UNAVAILABLE', service: 'order-query' });
    await stores.mongo.start();
    expect(await arrived(ids)).toHaveLength(ids.length);
  }, 60_000);
});
