import { randomUUIDv7 } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { platformEvent } from '@orderplane/contracts/events.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { createPool, type Pool } from '@orderplane/shared/postgres.ts';
import { requestContextFrom, withRequest } from '@orderplane/shared/request-context.ts';
import { type Append, type EventStore, type NewEvent, postgresEventStore } from './event-store.ts';

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let pool: Pool;
let store: EventStore;

beforeAll(async () => {
  postgres = await startPostgres();
  pool = createPool({ uri: postgres.uri, name: 'test', log: createLogger('test', 'silent') });
  await pool.query(await readFile(new URL('../migrations/0001_orders.up.sql', import.meta.url), 'utf8'));
  store = postgresEventStore(pool);
}, 600_000);
afterAll(async () => {
  await pool?.end();
  await postgres?.stop();
});

const at = new Date('2026-11-21T03:54:09.505Z');

function creation(facts: Partial<Append> = {}): Append {
  const orderId = randomUUIDv7();
  const events: NewEvent[] = [
    { id: orderId, type: 'order_created', data: { productId: 'p1', qty: 1, price: 199 } },
    { id: randomUUIDv7(), type: 'order_confirmed', data: {} },
  ];
  return { orderId, expectedVersion: 0, events, at, ...facts };
}

function cancellation({ orderId }: Append, expectedVersion: number): Append {
  const events: NewEvent[] = [{ id: randomUUIDv7(), type: 'order_cancelled', data: { reason: 'x' } }];
  return { orderId, expectedVersion, events, at };
}

async function outboxOf({ orderId }: Append): Promise<unknown[]> {
  const { rows } = await pool.query<{ event: string }>(
    `select event from outbox where event::jsonb ->> 'subject' = $1 order by position`,
    [orderId],
  );
  return rows.map(({ event }) => JSON.parse(event));
}

describe('the event store', () => {
  test('stores the events of an order in order, and hands them to the outbox as the contracts say', async () => {
    const append = creation();
    const request = requestContextFrom((name) => (name === 'x-correlation-id' ? 'c1' : undefined));
    expect(await withRequest(request, () => store.append(append))).toBe('appended');
    expect(await store.load(append.orderId)).toEqual(
      append.events.map((event, index) => ({ ...event, version: index + 1, recordedAt: at })),
    );
    const outbox = (await outboxOf(append)).map((event) => platformEvent.parse(event));
    expect(outbox.map(({ id, type, aggregateversion }) => ({ id, type, aggregateversion }))).toEqual([
      { id: append.orderId, type: 'order_created', aggregateversion: 1 },
      { id: append.events[1]?.id, type: 'order_confirmed', aggregateversion: 2 },
    ]);
    expect(outbox[0]).toMatchObject({ correlationid: 'c1', traceparent: request.traceparent, time: at.toISOString() });
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
  ])('refuses a decision that %s, whole', async (_sentence, next) => {
    const first = creation();
    await store.append(first);
    await expect(store.append(next(first))).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(await store.load(first.orderId)).toHaveLength(2);
    expect(await outboxOf(first)).toHaveLength(2);
  });

  test('lets one of two decisions on the same state through', async () => {
    const first = creation();
    await store.append(first);
    const results = await Promise.allSettled([1, 2, 3, 4].map(() => store.append(cancellation(first, 2))));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await store.load(first.orderId)).toHaveLength(3);
  });

  test('knows events that it has, and does not publish them again', async () => {
    const append = creation();
    await store.append(append);
    expect(await store.append(append)).toBe('known');
    expect(await outboxOf(append)).toHaveLength(2);
  });

  test('stores the first of several creations under one idempotency key', async () => {
    const idempotencyKey = randomUUIDv7();
    const attempts = Array.from({ length: 5 }, () => creation({ idempotencyKey }));
    const results = await Promise.all(attempts.map((attempt) => store.append(attempt)));
    expect(results.toSorted()).toEqual(['appended', 'known', 'known', 'known', 'known']);
    const winner = attempts[results.indexOf('appended')];
    expect(await store.loadByIdempotencyKey(idempotencyKey)).toMatchObject({ orderId: winner?.orderId });
  });
});
