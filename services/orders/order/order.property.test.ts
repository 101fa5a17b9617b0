import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { OrderCommand, Step } from './decide.ts';
import type { AnsweredEvent, OrderEvent } from './events.ts';
import { order } from './order.ts';

const paymentId = '01a1fc3d-78e1-72e2-adbd-883e7ae12acb';
const line = { productId: 'p1', qty: 2, price: 199 };
const charge = { paymentId, amount: 398, method: 'CREDIT_CARD' };
const ANSWERED: readonly AnsweredEvent[] = [
  { type: 'stock_reserved', data: { lines: [line], total: 398, expiresAt: '2026-11-21T04:54:09.505Z' } },
  { type: 'stock_rejected', data: { productId: 'p1', requested: 2, available: 1 } },
  { type: 'stock_released', data: { reason: 'expired' } },
  { type: 'stock_released', data: { reason: 'order_cancelled' } },
  { type: 'payment_processed', data: charge },
  { type: 'payment_failed', data: { ...charge, failureReason: 'card_declined' } },
  { type: 'payment_refunded', data: charge },
];
const commands = (steps: readonly Step[]): readonly OrderCommand[] => [
  ...ANSWERED.map((event) => ({ type: 'answer' as const, event, steps })),
  { type: 'cancel_order', reason: 'changed my mind' },
  { type: 'expire', reason: 'stock_timeout' },
  { type: 'expire', reason: 'payment_timeout' },
];

const saga = fc
  .constantFrom<readonly Step[]>([], ['stock'], ['stock', 'payment'])
  .chain((steps) =>
    fc.record({ steps: fc.constant(steps), taken: fc.array(fc.constantFrom(...commands(steps)), { maxLength: 25 }) }),
  );

function lived({ steps, taken }: { steps: readonly Step[]; taken: readonly OrderCommand[] }): OrderEvent[] {
  const create: OrderCommand = { type: 'create_order', lines: [line], steps };
  return [create, ...taken].reduce<OrderEvent[]>(
    (events, command) => [...events, ...order.decide(events.reduce(order.evolve, order.initial), command)],
    [],
  );
}
const places = (events: readonly OrderEvent[], type: OrderEvent['type']) =>
  events.flatMap((event, index) => (event.type === type ? [index] : []));

test('whatever happens to an order, in whatever order and however often, each thing happens to it once', () => {
  fc.assert(
    fc.property(saga, (given) => {
      const types = lived(given).map(({ type }) => type);
      expect(types).toEqual([...new Set(types)]);
    }),
    { numRuns: 2000 },
  );
});

test('whatever happens to an order, it is confirmed only by the steps that have to agree, and never after its cancellation', () => {
  fc.assert(
    fc.property(saga, (given) => {
      const events = lived(given);
      const [confirmed] = places(events, 'order_confirmed');
      const [cancelled = Infinity] = places(events, 'order_cancelled');
      const needed = { stock: 'order_stock_reserved', payment: 'order_paid' } as const;
      for (const place of [confirmed, ...given.steps.flatMap((step) => places(events, needed[step]))]) {
        if (place !== undefined) expect(place).toBeLessThan(cancelled);
      }
      if (confirmed === undefined) return;
      for (const step of given.steps) expect(places(events, needed[step])[0]).toBeLessThan(confirmed);
    }),
    { numRuns: 2000 },
  );
});

test('a cancelled order stays cancelled, and takes nothing but what gives back', () => {
  fc.assert(
    fc.property(saga, (given) => {
      const events = lived(given);
      const [cancelled] = places(events, 'order_cancelled');
      if (cancelled === undefined) return;
      expect(events.reduce(order.evolve, order.initial).status).toBe('cancelled');
      const after = events.slice(cancelled + 1).map(({ type }) => type);
      expect(after.filter((type) => type !== 'order_stock_released' && type !== 'order_refunded')).toEqual([]);
    }),
    { numRuns: 2000 },
  );
});

test('what has happened to an order changes nothing when it is told again', () => {
  fc.assert(
    fc.property(saga, ({ steps, taken }) => {
      const events = lived({ steps, taken });
      const repeated = lived({ steps, taken: taken.flatMap((command) => [command, command]) });
      expect(repeated).toEqual(events);
    }),
    { numRuns: 2000 },
  );
});
