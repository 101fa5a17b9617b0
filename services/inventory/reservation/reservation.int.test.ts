import { randomUUIDv7 } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type EventOf, parseEvent, type PlatformEvent } from '@orderplane/contracts/events.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { serviceDatabase } from '@orderplane/hack/testing/service-database.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { createPool, type Pool } from '@orderplane/shared/postgres.ts';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { tellAdjustments } from '../stock/adjustments.ts';
import { expireOne, handleOrderEvent, type ReservationDeps } from './handle.ts';
import { reservationMetrics } from './metrics.ts';

const HOLD_MS = 60_000;

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let pool: Pool;
let clock = Date.now();
let deps: ReservationDeps;
const metrics = new Registry();

beforeAll(async () => {
  postgres = await startPostgres();
  const uri = await serviceDatabase(postgres, 'inventory');
  pool = createPool({ uri, name: 'test', log: createLogger('test', 'silent') });
  const now = () => new Date(clock);
  deps = { pool, metrics: reservationMetrics(metrics, pool), holdForMs: HOLD_MS, now, stored: () => undefined };
}, 600_000);
beforeEach(() =>
  pool.query(
    'delete from reserved_pieces; delete from reservations; delete from outbox; update stock set reserved = 0; delete from stock',
  ),
);
afterAll(async () => {
  await pool?.end();
  await postgres?.stop();
});

type Line = [productId: string, qty: number];
type OrderEvent = EventOf<'order_created' | 'order_confirmed' | 'order_cancelled'>;

function event(type: OrderEvent['type'], orderId: string, data: object): OrderEvent {
  const parsed = parseEvent({
    specversion: '1.0',
    id: type === 'order_created' ? orderId : randomUUIDv7(),
    source: '/orderplane/orders',
    type,
    subject: orderId,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    schemaversion: type === 'order_created' ? 2 : 1,
    aggregateversion: 1,
    correlationid: 'c1',
    data,
  });
  return parsed.data as OrderEvent;
}

const created = (orderId: string, ...lines: Line[]) =>
  event('order_created', orderId, { lines: lines.map(([productId, qty]) => ({ productId, qty, price: 2 })), total: 2 });
const confirmed = (orderId: string) => event('order_confirmed', orderId, {});
const cancelled = (orderId: string) => event('order_cancelled', orderId, { reason: 'test' });

const handle = (each: OrderEvent) => handleOrderEvent(deps, each);
const seed = (...rows: [string, number][]) =>
  pool.query(
    `insert into stock (product_id, on_hand) select * from unnest($1::text[], $2::int[])
     on conflict (product_id) do update set on_hand = excluded.on_hand`,
    [rows.map(([id]) => id), rows.map(([, onHand]) => onHand)],
  );

async function stockOf(productId: string) {
  const { rows } = await pool.query('select on_hand, reserved from stock where product_id = $1', [productId]);
  return rows[0];
}

async function sent(): Promise<PlatformEvent[]> {
  const { rows } = await pool.query<{ event: string }>('select event from outbox order by position');
  return rows.map((row) => parseEvent(JSON.parse(row.event)).data!);
}
const countOf = async (type: string) => (await sent()).filter((each) => each.type === type).length;
const orders = (count: number) => Array.from({ length: count }, (): string => randomUUIDv7());

async function expireAll(): Promise<void> {
  while (await expireOne(deps));
}

describe('stock', () => {
  test('is never sold twice: of 50 orders at once for the last 10 pieces, 10 get one', async () => {
    await seed(['p1', 10]);
    await Promise.all(orders(50).map((id) => handle(created(id, ['p1', 1]))));
    expect(await stockOf('p1')).toEqual({ on_hand: 10, reserved: 10 });
    expect([await countOf('stock_reserved'), await countOf('stock_rejected')]).toEqual([10, 40]);
    const changes = (await sent()).filter((each) => each.type === 'stock_events');
    // Each change of a product has a number of its own, without a gap: consumers can tell what is new.
    expect(changes.map(({ aggregateversion }) => aggregateversion).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 10 }, (_, index) => index + 1),
    );
  });

  test('is taken for all lines or none, by orders that want the same products in different orders, at once', async () => {
    const products = ['a', 'b', 'c', 'd'];
    await seed(...products.map((id): [string, number] => [id, 15]));
    const wants = orders(80).map((id, index) => {
      const from = index % products.length;
      const picked = [...products.slice(from), ...products.slice(0, from)].slice(0, 3);
      return created(id, ...(index % 2 === 0 ? picked : picked.toReversed()).map((product): Line => [product, 1]));
    });
    await Promise.all(wants.map(handle));
    const { rows } = await pool.query(
      `select count(distinct order_id)::int as orders, count(*)::int as pieces from reserved_pieces`,
    );
    const taken = await Promise.all(products.map(stockOf));
    expect(rows[0]!.pieces).toBe(rows[0]!.orders * 3);
    expect(taken.reduce((sum, { reserved }) => sum + reserved, 0)).toBe(rows[0]!.pieces);
    expect(await countOf('stock_reserved')).toBe(rows[0]!.orders);
    // As many as there can be: what is left is too little for any of them.
    expect(taken.filter(({ on_hand: onHand, reserved }) => onHand > reserved).length).toBeLessThan(3);
  });

  test('is right in the end, whatever is repeated and overtaken', async () => {
    const fact = fc.constantFrom<'created' | 'confirmed' | 'cancelled' | 'expiry'>(
      'created',
      'confirmed',
      'cancelled',
      'expiry',
    );
    const history = fc.array(fc.tuple(fc.nat(2), fact), { maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(history, fc.boolean(), async (facts, atOnce) => {
        await seed(['p1', 5]);
        const [start] = [await stockOf('p1')];
        const ids = orders(3);
        const seen = ids.map(() => new Set<string>());
        const apply = async ([index, kind]: [number, string]) => {
          const id = ids[index]!;
          seen[index]!.add(kind);
          if (kind === 'created') await handle(created(id, ['p1', 2], ['untracked', 1]));
          if (kind === 'confirmed') await handle(confirmed(id));
          if (kind === 'cancelled') await handle(cancelled(id));
          if (kind === 'expiry') {
            clock += HOLD_MS + 1;
            await expireAll();
          }
        };
        if (atOnce) await Promise.all(facts.map(apply));
        else for (const each of facts) await apply(each);

        const { rows } = await pool.query<{ status: string; qty: number; index: number }>(
          `select status, coalesce(sum(qty), 0)::int as qty, array_position($1::uuid[], order_id) - 1 as index
           from reservations left join reserved_pieces using (order_id) where order_id = any($1) group by order_id`,
          [ids],
        );
        const total = (status: string) => rows.reduce((sum, row) => sum + (row.status === status ? row.qty : 0), 0);
        expect(await stockOf('p1')).toEqual({
          on_hand: start!.on_hand - total('committed'),
          reserved: total('held'),
        });
        for (const { status, index } of rows) {
          if (seen[index]!.has('cancelled')) expect(['held', 'committed']).not.toContain(status);
          if (seen[index]!.has('confirmed')) expect(status).not.toBe('held');
        }
        await Promise.all(ids.map((id) => handle(cancelled(id))));
        expect(await stockOf('p1')).toEqual({ on_hand: 5, reserved: 0 });
      }),
      { numRuns: 60 },
    );
  });

  test('is given back once when its time is over, however many instances look', async () => {
    await seed(['p1', 30]);
    await Promise.all(orders(30).map((id) => handle(created(id, ['p1', 1]))));
    await expireAll();
    expect(await stockOf('p1')).toEqual({ on_hand: 30, reserved: 30 });
    clock += HOLD_MS + 1;
    await Promise.all([expireAll(), expireAll(), expireAll(), expireAll()]);
    expect(await stockOf('p1')).toEqual({ on_hand: 30, reserved: 0 });
    expect(await countOf('stock_released')).toBe(30);
  });

  test('is told of with the cause, the order, and the request that it serves', async () => {
    await seed(['p1', 3]);
    const [id] = orders(1) as [string];
    await handle(created(id, ['p1', 2]));
    const end = cancelled(id);
    await handle(end);
    expect(await sent()).toMatchObject([
      { type: 'stock_reserved', subject: id, aggregateversion: 1, causationid: id, correlationid: 'c1', data: { total: 2 } },
      { type: 'stock_events', subject: 'p1', aggregateversion: 1, causationid: id, data: { onHand: 3, reserved: 2, cause: 'reserved', qty: 2, orderId: id } },
      { type: 'stock_released', subject: id, aggregateversion: 2, causationid: end.id, data: { reason: 'order_cancelled' } },
      { type: 'stock_events', subject: 'p1', aggregateversion: 2, causationid: end.id, data: { onHand: 3, reserved: 0, cause: 'released', qty: 2, orderId: id } },
    ]);
  }); // prettier-ignore
});

describe('a seed of stock', () => {
  test('counts pieces anew and leaves alone what orders hold', async () => {
    await seed(['p1', 5]);
    const [id] = orders(1) as [string];
    await handle(created(id, ['p1', 3]));
    await seed(['p1', 50]);
    expect(await stockOf('p1')).toEqual({ on_hand: 50, reserved: 3 });
    await handle(confirmed(id));
    expect(await stockOf('p1')).toEqual({ on_hand: 47, reserved: 0 });
  });

  test.each<[string, () => Promise<unknown>, RegExp]>([
    ['count away', () => seed(['p1', 2]), /on_hand_covers_what_is_reserved/],
    ['delete', () => pool.query(`delete from stock where product_id = 'p1'`), /orders hold 3 of p1/],
  ])('cannot %s what orders hold', async (_verb, attempt, why) => {
    await seed(['p1', 5]);
    await handle(created(randomUUIDv7(), ['p1', 3]));
    await expect(attempt()).rejects.toThrow(why);
    expect(await stockOf('p1')).toEqual({ on_hand: 5, reserved: 3 });
  });

  test('begins to keep the stock of a product without taking what was ordered before', async () => {
    const [id] = orders(1) as [string];
    await handle(created(id, ['p1', 3]));
    await seed(['p1', 2]);
    await handle(confirmed(id));
    await handle(cancelled(id));
    expect(await stockOf('p1')).toEqual({ on_hand: 2, reserved: 0 });
  });

  test('is told of once, with how many pieces it made more or fewer', async () => {
    const tell = () => tellAdjustments(pool, new Date(clock), () => undefined);
    await seed(['p1', 5], ['none', 0]);
    await tell();
    await handle(created(randomUUIDv7(), ['p1', 1]));
    await seed(['p1', 3]);
    await Promise.all([tell(), tell()]);
    const adjusted = (await sent()).filter((each) => each.type === 'stock_events' && each.data.cause === 'adjusted');
    expect(adjusted).toMatchObject([
      { subject: 'p1', aggregateversion: 1, data: { onHand: 5, reserved: 0, qty: 5 } },
      { subject: 'p1', aggregateversion: 3, data: { onHand: 3, reserved: 1, qty: 2 } },
    ]);
  });
});

test('metrics count orders that got their pieces, those that did not, and those that hold some now', async () => {
  metrics.resetMetrics();
  await seed(['p1', 1]);
  const [held, short] = orders(2) as [string, string];
  await handle(created(held, ['p1', 1]));
  await handle(created(short, ['p1', 1]));
  const text = await metrics.metrics();
  expect(text).toContain('stock_reserved_total 1');
  expect(text).toContain('stock_rejected_total{reason="out_of_stock"} 1');
  expect(text).toContain('stock_reservations 1');
});
