import { randomUUIDv7 } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { platformEvent } from '@orderplane/contracts/events.ts';
import { requestContextFrom, withRequest } from '@orderplane/shared/request-context.ts';
import { startOrdersDatabase } from '../testing/database.ts';
import { APPEND, appendValues } from './append-statement.ts';
import type { Append, EventStore, ForeignEvent, NewEvent } from './event-store.ts';
import { order } from './order.ts';
import { postgresEventStore } from './postgres-event-store.ts';

let database: Awaited<ReturnType<typeof startOrdersDatabase>>;
let store: EventStore;

beforeAll(async () => {
  database = await startOrdersDatabase();
}, 600_000);
beforeEach(() => {
  store = postgresEventStore(database.pool, { snapshotInterval: 2 });
});
afterAll(() => database?.stop());

const at = new Date('2026-11-21T03:54:09.505Z');
const line = { productId: 'p1', qty: 2, price: 199 };

type Facts = Partial<Append> & Pick<Append, 'events'>;
const append = (orderId: string, expectedVersion: number, facts: Facts): Append => {
  const history: NewEvent[] = expectedVersion === 0 ? [] : creation(orderId).events.slice(0, 1);
  return {
    orderId,
    expectedVersion,
    at,
    order: [...history, ...facts.events].reduce(order.evolve, order.initial),
    ...facts,
  };
};

function creation(orderId: string = randomUUIDv7(), facts: Partial<Append> = {}): Append & { events: NewEvent[] } {
  const events: NewEvent[] = [
    { id: orderId, type: 'order_created', data: { lines: [line], total: 398 } },
    { id: randomUUIDv7(), type: 'order_confirmed', data: {} },
  ];
  const after = events.reduce(order.evolve, order.initial);
  return { orderId, expectedVersion: 0, at, order: after, ...facts, events };
}

function cancellation({ orderId }: Append, expectedVersion: number): Append {
  const events: NewEvent[] = [{ id: randomUUIDv7(), type: 'order_cancelled', data: { reason: 'requested' } }];
  return append(orderId, expectedVersion, { events });
}

async function outboxOf({ orderId }: Append) {
  const { rows } = await database.pool.query<{ event: string }>(
    `select event from outbox where event::jsonb ->> 'subject' = $1 order by position`,
    [orderId],
  );
  return rows.map(({ event }) => platformEvent.parse(JSON.parse(event)));
}

describe('the event store', () => {
  test('stores the events of an order in order, and hands them to the outbox as the contracts say', async () => {
    const given = creation();
    const request = requestContextFrom((name) => (name === 'x-correlation-id' ? 'c1' : undefined));
    expect(await withRequest(request, () => store.append(given))).toBe('appended');
    const { traceparent } = request;
    expect(await store.history(given.orderId)).toEqual([
      { ...given.events[0], version: 1, recordedAt: at, correlationId: 'c1', traceparent },
      { ...given.events[1], version: 2, recordedAt: at, correlationId: 'c1', traceparent, causationId: given.orderId },
    ]);
    const outbox = await outboxOf(given);
    expect(outbox).toMatchObject([
      {
        id: given.orderId,
        type: 'order_created',
        schemaversion: 2,
        aggregateversion: 1,
        correlationid: 'c1',
        traceparent,
      },
      { id: given.events[1]?.id, type: 'order_confirmed', aggregateversion: 2, causationid: given.orderId },
    ]);
    expect(outbox[0]?.time).toBe(at.toISOString());
  });

  test('keeps what led to an event, and tells it on', async () => {
    const given = creation();
    await store.append(given);
    const cause: ForeignEvent = {
      id: randomUUIDv7(),
      type: 'stock_rejected',
      source: '/orderplane/inventory',
      time: at.toISOString(),
      causationId: given.orderId,
      detail: 'p1: 2 wanted, 1 there',
    };
    await store.append({ ...cancellation(given, 2), cause });
    expect((await store.history(given.orderId)).at(-1)).toMatchObject({ causationId: cause.id, cause });
    expect((await outboxOf(given)).at(-1)).toMatchObject({ causationid: cause.id });
  });

  test('reads events of the release before as the newest has them', async () => {
    const orderId = randomUUIDv7();
    await database.pool.query(
      `insert into events (stream_id, version, event_id, type, data, recorded_at)
       values ($1, 1, $1, 'order_created', '{"productId": "p1", "qty": 2, "price": 199}', now()),
              ($1, 2, gen_random_uuid(), 'order_confirmed', '{}', now())`,
      [orderId],
    );
    expect(await store.load(orderId)).toMatchObject({ version: 2, order: { status: 'confirmed', lines: [line] } });
    expect((await store.history(orderId))[0]).toMatchObject({ data: { lines: [line], total: 398 } });
  });

  test.each<[string, (first: Append) => Append]>([
    ['was taken on an older state', (first) => cancellation(first, 1)],
    ['was taken on a state that never was', (first) => cancellation(first, 7)],
    [
      'overlaps with what is stored',
      (first) => ({
        ...first,
        expectedVersion: 1,
        events: first.events.map((event) => ({ ...event, id: randomUUIDv7() })),
      }),
    ],
  ])('refuses a decision that %s, whole, and stores what comes with it', async (_sentence, next) => {
    const first = creation();
    await store.append(first);
    const others = [creation(), creation(), creation()];
    const [refused, ...stored] = await Promise.allSettled([next(first), ...others].map(store.append));
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'CONFLICT' } });
    expect(stored.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled']);
    for (const each of [first, ...others]) {
      expect(await store.history(each.orderId)).toHaveLength(2);
      expect(await outboxOf(each)).toHaveLength(2);
    }
  });

  test('lets one of several decisions on the same state through, also of several processes', async () => {
    const first = creation();
    await store.append(first);
    const stores = [store, store, store, postgresEventStore(database.pool, { snapshotInterval: 2 })];
    const results = await Promise.allSettled(stores.map((each) => each.append(cancellation(first, 2))));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await store.history(first.orderId)).toHaveLength(3);
  });

  test('knows events that it has, and does not publish them again', async () => {
    const given = creation();
    await store.append(given);
    expect(await store.append(given)).toBe('known');
    expect(await outboxOf(given)).toHaveLength(2);
  });

  test('stores the first of several appends under one idempotency key, and one for each of several keys', async () => {
    const keys = [randomUUIDv7(), randomUUIDv7()];
    const attempts = Array.from({ length: 10 }, (_, index) => creation(undefined, { idempotencyKey: keys[index % 2] }));
    const other = postgresEventStore(database.pool, { snapshotInterval: 2 });
    const results = await Promise.all(attempts.map((attempt, index) => (index < 5 ? store : other).append(attempt)));
    for (const [parity, key] of keys.entries()) {
      const mine = results.filter((_, index) => index % 2 === parity);
      expect(mine.toSorted()).toEqual(['appended', 'known', 'known', 'known', 'known']);
      const winner = attempts.find((attempt, index) => attempt.idempotencyKey === key && results[index] === 'appended');
      expect(await store.findByIdempotencyKey(key)).toBe(winner?.orderId);
    }
  });

  test('stores 500 orders that come at once, each whole and in order, in few transactions', async () => {
    const transactions = async () => {
      const { rows } = await database.pool.query<{ id: string }>('select pg_current_xact_id()::text as id');
      return Number(rows[0]?.id);
    };
    const given = Array.from({ length: 500 }, () => creation());
    const before = await transactions();
    await Promise.all(given.map(store.append));
    expect((await transactions()) - before).toBeLessThan(50);
    for (const each of given) {
      expect((await store.history(each.orderId)).map(({ id }) => id)).toEqual(each.events.map(({ id }) => id));
    }
  });
});

describe('an order is loaded', () => {
  /** Takes the order's next steps one by one. */
  async function through(orderId: string, ...events: NewEvent[]): Promise<void> {
    for (const event of events) {
      const { order: before, version } = await store.load(orderId);
      await store.append({
        orderId,
        expectedVersion: version,
        events: [event],
        order: order.evolve(before, event),
        at,
      });
    }
  }
  const id = () => randomUUIDv7();
  const life = (orderId: string): NewEvent[] => [
    { id: orderId, type: 'order_created', data: { lines: [line], total: 398, userId: id() } },
    { id: id(), type: 'order_stock_reserved', data: {} },
    { id: id(), type: 'order_confirmed', data: {} },
    { id: id(), type: 'order_cancelled', data: { reason: 'requested' } },
    { id: id(), type: 'order_stock_released', data: {} },
  ];
  const snapshots = async (orderId: string) =>
    (await database.pool.query<{ version: number }>('select * from snapshots where stream_id = $1', [orderId])).rows;

  test('from its last snapshot and the events since', async () => {
    const orderId = id();
    const events = life(orderId);
    await through(orderId, ...events);
    expect(await snapshots(orderId)).toMatchObject([{ version: 4 }]);
    const state = events.reduce(order.evolve, order.initial);
    expect(await store.load(orderId)).toEqual({ order: state, version: 5, lastAt: at });
    // What is in the snapshot is not read again.
    await database.pool.query('delete from events where stream_id = $1 and version <= 4', [orderId]);
    expect(await store.load(orderId)).toEqual({ order: state, version: 5, lastAt: at });
  });

  test('from its events where the snapshot has another shape', async () => {
    const orderId = id();
    const events = life(orderId).slice(0, 4);
    await through(orderId, ...events);
    await database.pool.query(`update snapshots set shape = 0, state = '{}' where stream_id = $1`, [orderId]);
    const state = events.reduce(order.evolve, order.initial);
    expect(await store.load(orderId)).toEqual({ order: state, version: 4, lastAt: at });
  });

  test('without snapshots in between the interval', async () => {
    store = postgresEventStore(database.pool, { snapshotInterval: 50 });
    const orderId = id();
    await through(orderId, ...life(orderId));
    expect(await snapshots(orderId)).toEqual([]);
  });

  test('as none where there is none', async () => {
    expect(await store.load(id())).toEqual({ order: order.initial, version: 0, lastAt: undefined });
  });
});

test('the plan that appends keep is good for a full table, though it was made while that was empty', async () => {
  const connection = await database.pool.connect();
  try {
    await connection.query('begin; truncate events');
    await connection.query(`prepare planned_early as ${APPEND.text}; set local plan_cache_mode = force_generic_plan`);
    const arguments_ = appendValues([]).map(() => 'null');
    const { rows } = await connection.query(`explain execute planned_early (${arguments_.join()})`);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('using events_stream_version on events');
    expect(plan).not.toMatch(/Seq Scan|hashed SubPlan/);
  } finally {
    await connection.query('rollback');
    connection.release(true);
  }
});
