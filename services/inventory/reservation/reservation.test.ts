import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decide, EXPECTED, type Fact, type Ordered, type Reservation, type StockChange } from './reservation.ts';

const line = (productId: string, qty: number) => ({ productId, qty, price: 5 });
const ordered = (...lines: Ordered['lines']): Ordered => ({
  lines,
  total: lines.reduce((sum, { qty, price }) => sum + qty * price, 0),
});
const three = ordered(line('a', 2), line('b', 1), line('untracked', 7));
const created: Fact = { type: 'order_created', ordered: three };
const confirmed: Fact = { type: 'order_confirmed' };
const cancelled: Fact = { type: 'order_cancelled' };
const expired: Fact = { type: 'expired' };

type Shelf = Map<string, { onHand: number; reserved: number }>;
const shelf = (a: number, b: number): Shelf =>
  new Map([
    ['a', { onHand: a, reserved: 0 }],
    ['b', { onHand: b, reserved: 0 }],
  ]);
const availableOn = (stock: Shelf) => new Map([...stock].map(([id, { onHand, reserved }]) => [id, onHand - reserved]));

function apply(stock: Shelf, { productId, qty, cause }: StockChange): void {
  const row = stock.get(productId)!;
  if (cause === 'reserved') row.reserved += qty;
  if (cause === 'released' || cause === 'committed') row.reserved -= qty;
  if (cause === 'committed') row.onHand -= qty;
  if (cause === 'returned') row.onHand += qty;
}

function live(stock: Shelf, facts: readonly Fact[]) {
  let reservation: Reservation = EXPECTED;
  const events: string[] = [];
  for (const fact of facts) {
    const { next, changes, event } = decide(reservation, fact, availableOn(stock));
    reservation = next;
    for (const change of changes) apply(stock, change);
    if (event) events.push(event.type === 'stock_released' ? event.data.reason : event.type);
  }
  return {
    status: reservation.status,
    events,
    numbers: [...stock.values()].flatMap((row) => [row.onHand, row.reserved]),
  };
}

describe('a reservation', () => {
  test.each<[string, Fact[], string, string[], number[]]>([
    ['takes every line whose stock is kept', [created], 'held', ['stock_reserved'], [5, 2, 5, 1]],
    ['takes them once', [created, created], 'held', ['stock_reserved'], [5, 2, 5, 1]],
    ['leaves the house when the order is confirmed', [created, confirmed], 'committed', ['stock_reserved'], [3, 0, 4, 0]],
    ['does so also when the confirmation is heard of first', [confirmed, created], 'committed', ['stock_reserved'], [3, 0, 4, 0]],
    ['goes back when the order is cancelled', [created, cancelled], 'released', ['stock_reserved', 'order_cancelled'], [5, 0, 5, 0]],
    ['comes back from outside', [created, confirmed, cancelled, cancelled], 'released', ['stock_reserved', 'order_cancelled'], [5, 0, 5, 0]],
    ['is never made for an order that was cancelled before', [cancelled, created, confirmed], 'released', [], [5, 0, 5, 0]],
    ['goes back when its time is over', [created, expired, expired], 'expired', ['stock_reserved', 'expired'], [5, 0, 5, 0]],
    ['is made again by a late confirmation', [created, expired, confirmed], 'committed', ['stock_reserved', 'expired', 'stock_reserved'], [3, 0, 4, 0]],
    ['does not expire outside', [created, confirmed, expired], 'committed', ['stock_reserved'], [3, 0, 4, 0]],
    ['stays given back when cancelled after its time', [created, expired, cancelled, confirmed], 'expired', ['stock_reserved', 'expired'], [5, 0, 5, 0]],
  ])('%s', (_sentence, facts, status, events, numbers) => {
    expect(live(shelf(5, 5), facts)).toEqual({ status, events, numbers });
  }); // prettier-ignore

  test.each<[string, Shelf, Fact[], string[]]>([
    ['one line is short', shelf(5, 0), [created], ['stock_rejected']],
    ['two lines of one product are more than there is', shelf(3, 0), [{ type: 'order_created', ordered: ordered(line('a', 2), line('a', 2)) }], ['stock_rejected']],
  ])('is refused, whole, when %s', (_sentence, stock, facts, events) => {
    const before = [...stock.values()].flatMap((row) => [row.onHand, row.reserved]);
    expect(live(stock, facts)).toEqual({ status: 'rejected', events, numbers: before });
  }); // prettier-ignore

  test('says what was short', () => {
    expect(decide(EXPECTED, created, new Map([['a', 5], ['b', 0]])).event).toEqual({
      type: 'stock_rejected',
      data: { productId: 'b', requested: 1, available: 0 },
    }); // prettier-ignore
  });

  test('is refused to a late confirmation when others took the pieces', () => {
    const stock = shelf(2, 5);
    let { next } = decide(EXPECTED, created, availableOn(stock));
    ({ next } = decide(next, expired, availableOn(stock)));
    expect(decide(next, confirmed, new Map([['a', 1], ['b', 5]]))).toMatchObject({ next: { status: 'rejected' }, changes: [], event: { type: 'stock_rejected' } }); // prettier-ignore
  });

  test('keeps the numbers right in whatever order, and how often, its facts come', () => {
    const order = fc.array(fc.constantFrom(created, confirmed, cancelled, expired), { maxLength: 12 });
    const orders = fc.array(order, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(orders, fc.infiniteStream(fc.nat()), (histories, choices) => {
        const stock = shelf(5, 3);
        const reservations = histories.map(() => EXPECTED);
        const queues = histories.map((facts) => [...facts]);
        while (queues.some((queue) => queue.length > 0)) {
          const open = queues.flatMap((queue, index) => (queue.length > 0 ? [index] : []));
          const chosen = open[(choices.next().value as number) % open.length]!;
          const decision = decide(reservations[chosen]!, queues[chosen]!.shift()!, availableOn(stock));
          reservations[chosen] = decision.next;
          for (const change of decision.changes) apply(stock, change);
          // Nobody ever has what is not there.
          for (const { onHand, reserved } of stock.values()) expect(0 <= reserved && reserved <= onHand).toBe(true);
        }
        const sum = (status: Reservation['status'], id: string) =>
          reservations
            .filter((each) => each.status === status)
            .flatMap(({ taken }) => taken)
            .reduce((total, { productId, qty }) => total + (productId === id ? qty : 0), 0);
        for (const [id, seeded] of [['a', 5], ['b', 3]] as const) {
          expect(stock.get(id)).toEqual({ onHand: seeded - sum('committed', id), reserved: sum('held', id) });
        } // prettier-ignore
        for (const [index, facts] of histories.entries()) {
          const holds = ['held', 'committed'].includes(reservations[index]!.status);
          if (facts.includes(cancelled) || !facts.includes(created)) expect(holds).toBe(false);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
