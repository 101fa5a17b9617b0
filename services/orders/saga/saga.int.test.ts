import { randomUUIDv7 } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createLogger } from '@orderplane/shared/log.ts';
import { createPool, type Pool } from '@orderplane/shared/postgres.ts';
import { cancelOrder } from '../cancel-order.ts';
import { createOrder, type CreateOrderDeps } from '../create-order.ts';
import { startOrdersDatabase } from '../testing/database.ts';
import {
  paymentFailed,
  paymentProcessed,
  paymentRefunded,
  processDeps,
  stockRejected,
  stockReleased,
  stockReserved,
} from '../testing/deps.ts';
import { expireDue } from './deadlines.ts';
import { answerEvent } from './process-manager.ts';

let database: Awaited<ReturnType<typeof startOrdersDatabase>>;
/** Two processes on one database. */
let pools: [Pool, Pool];
let processes: [CreateOrderDeps, CreateOrderDeps];
const START = new Date('2026-11-21T03:54:09.505Z').getTime();
let clock = START;

beforeAll(async () => {
  database = await startOrdersDatabase();
  const second = createPool({ uri: database.uri, name: 'second', log: createLogger('test', 'silent') });
  pools = [database.pool, second];
  const now = () => new Date(clock);
  processes = [processDeps(pools[0], { now }), processDeps(pools[1], { now })];
}, 600_000);
beforeEach(async () => {
  clock = START;
  await database.pool.query('truncate events, outbox, snapshots, deadlines');
});
afterAll(async () => {
  await pools?.[1].end();
  await database?.stop();
});

const placed = async () => {
  const { id } = await createOrder(processes[0], { productId: 'p1', qty: 2, lines: [] });
  return id;
};
const types = async (orderId: string) => (await processes[0].store.history(orderId)).map(({ type }) => type);
const deadlines = async () => (await database.pool.query('select stream_id, reason, due_at from deadlines')).rows;
const outboxTypes = async (orderId: string) => {
  const text = `select topic from outbox where event::jsonb ->> 'subject' = $1 order by position`;
  return (await database.pool.query<{ topic: string }>(text, [orderId])).rows.map(({ topic }) => topic);
};

describe('an event of another service', () => {
  test('has its effect once, however often it comes, and to however many processes', async () => {
    const orderId = await placed();
    for (const event of [stockReserved(orderId), paymentProcessed(orderId)]) {
      const answers = [0, 1, 0, 1, 0, 1].map((process) => answerEvent(processes[process as 0 | 1], event));
      expect(await Promise.all(answers)).toEqual(Array(6).fill('done'));
      expect(await answerEvent(processes[1], event)).toBe('done');
    }
    const life = ['order_created', 'order_stock_reserved', 'order_paid', 'order_confirmed'];
    expect(await types(orderId)).toEqual(life);
    expect(await outboxTypes(orderId)).toEqual(life);
  });

  test('is kept as the cause of what it led to', async () => {
    const orderId = await placed();
    const event = stockRejected(orderId);
    await answerEvent(processes[0], event);
    const [, cancelled] = await processes[0].store.history(orderId);
    expect(cancelled).toMatchObject({
      type: 'order_cancelled',
      causationId: event.id,
      cause: { id: event.id, type: 'stock_rejected', source: '/orderplane/inventory', causationId: orderId },
    });
  });

  test('and a customer who cancels at the same time leave one cancellation, or none of a confirmed order', async () => {
    for (const event of [stockRejected, paymentFailed, paymentProcessed, paymentRefunded]) {
      const orderId = await placed();
      await Promise.all([
        cancelOrder(processes[0], { id: orderId, reason: 'changed my mind' }),
        answerEvent(processes[1], event(orderId)),
        answerEvent(processes[0], stockReserved(orderId)),
        answerEvent(processes[1], stockReleased(orderId)),
      ]);
      const happened = await types(orderId);
      expect(happened.filter((type) => type === 'order_cancelled')).toHaveLength(1);
      expect((await processes[0].store.load(orderId)).order.status).toBe('cancelled');
    }
  });

  test('of an order that is not there is refused', async () => {
    await expect(answerEvent(processes[0], stockReserved(randomUUIDv7()))).rejects.toMatchObject({
      code: 'ORDER_NOT_FOUND',
    });
  });
});

describe('a deadline', () => {
  test('comes with the order, moves on with its steps and ends with them', async () => {
    const orderId = await placed();
    const at = (ms: number) => new Date(START + ms);
    expect(await deadlines()).toEqual([{ stream_id: orderId, reason: 'stock_timeout', due_at: at(30_000) }]);
    clock += 1000;
    await answerEvent(processes[0], stockReserved(orderId));
    expect(await deadlines()).toEqual([{ stream_id: orderId, reason: 'payment_timeout', due_at: at(901_000) }]);
    await answerEvent(processes[0], paymentProcessed(orderId));
    expect(await deadlines()).toEqual([]);
  });

  test.each([
    ['stock_timeout', [], 30_000],
    ['payment_timeout', [stockReserved], 900_000],
  ])('cancels an order by %s, not before it is due, and says what it waited for', async (reason, events, ms) => {
    const orderId = await placed();
    for (const event of events) await answerEvent(processes[0], event(orderId));
    const began = (await processes[0].store.history(orderId)).at(-1);
    clock += ms - 1;
    expect(await expireDue(processes[0], pools[0])).toBe(0);
    clock += 1;
    expect(await expireDue(processes[0], pools[0])).toBe(1);
    const ended = (await processes[0].store.history(orderId)).at(-1);
    expect(ended).toMatchObject({ type: 'order_cancelled', data: { reason }, causationId: began?.id });
    expect(await deadlines()).toEqual([]);
  });

  test('that two processes find due, while payments come in, ends each order once, as confirmed or as cancelled', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 100; count++) ids.push(await placed());
    for (const orderId of ids) await answerEvent(processes[0], stockReserved(orderId));
    clock += 900_000;
    const expireAll = async (process: 0 | 1) => {
      while ((await expireDue(processes[process], pools[process])) > 0);
    };
    const pay = async (payable: readonly string[]) => {
      for (const orderId of payable) await answerEvent(processes[1], paymentProcessed(orderId));
    };
    // From both ends: some payments come before the deadline is found, some after.
    await Promise.all([expireAll(0), expireAll(1), pay(ids.slice(0, 25)), pay(ids.slice(75).toReversed())]);
    const ends = { confirmed: 0, cancelled: 0 };
    for (const orderId of ids) {
      const happened = await types(orderId);
      const isConfirmed = happened.includes('order_confirmed');
      ends[isConfirmed ? 'confirmed' : 'cancelled'] += 1;
      expect(happened.slice(2)).toEqual(isConfirmed ? ['order_paid', 'order_confirmed'] : ['order_cancelled']);
    }
    expect(ends.cancelled).toBeGreaterThanOrEqual(50);
    expect(await deadlines()).toEqual([]);
  });

  test('that a process claimed and did not live to keep is kept by another', async () => {
    const orderId = await placed();
    clock += 30_000;
    const dying = {
      ...processes[0],
      store: { ...processes[0].store, load: () => Promise.reject(new Error('killed')) },
    };
    await expect(expireDue(dying, pools[0])).rejects.toThrow('killed');
    expect(await expireDue(processes[1], pools[1])).toBe(0);
    clock += 30_000;
    expect(await expireDue(processes[1], pools[1])).toBe(1);
    expect(await types(orderId)).toEqual(['order_created', 'order_cancelled']);
  });
});
