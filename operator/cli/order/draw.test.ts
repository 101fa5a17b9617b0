import { expect, test } from '@jest/globals';
import { plain } from '../output.ts';
import { drawTrace } from './draw.ts';
import { sagaOf } from './trace.ts';

const BEGIN = Date.parse('2026-01-01T10:00:00.000Z');

/** `[type, service, ms after the beginning, what led to it, detail]`; a step is known by its type, and `!` says that it undoes something. */
type Told = [type: string, service: string, ms: number, cause?: string, detail?: string];

const traceOf = (told: readonly Told[]) => ({
  correlationId: 'req-1',
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  steps: told.map(([type, service, ms, causationId, detail]) => ({
    eventId: type.replace('!', ''),
    type: type.replace('!', ''),
    service,
    occurredAt: new Date(BEGIN + ms).toISOString(),
    compensates: type.endsWith('!'),
    ...(causationId && { causationId }),
    ...(detail && { detail }),
  })),
});

const CREATED: Told = ['order_created', 'orders', 0];
const RESERVED: Told = ['stock_reserved', 'inventory', 8, 'order_created'];

const PAYMENT_FAILS: Told[] = [
  CREATED,
  RESERVED,
  ['order_stock_reserved', 'orders', 12, 'stock_reserved'],
  ['payment_failed', 'payments', 130, 'stock_reserved', 'insufficient_funds'],
  ['order_cancelled!', 'orders', 135, 'payment_failed', 'payment_failed: insufficient_funds'],
  ['stock_released!', 'inventory', 1_500, 'order_cancelled'],
];

test('a saga is drawn as a tree: what led to what, how long after, what failed and what undoes it', () => {
  expect(drawTrace('o-1', traceOf(PAYMENT_FAILS), plain).join('\n')).toBe(
    `Order o-1  ✗ cancelled  after 1.5 s · trace 4bf92f3577b34da6a3ce929d0e0e4736 · correlation req-1

order_created               orders     10:00:00.000
└─ stock_reserved           inventory  +8 ms
   ├─ order_stock_reserved  orders     +4 ms
   └─ payment_failed        payments   +122 ms       ✗ insufficient_funds
      └─ order_cancelled    orders     +5 ms         ↩ undoes payment_failed: insufficient_funds
         └─ stock_released  inventory  +1.4 s        ↩ undoes`,
  );
});

test.each<[string, Told[], string]>([
  ['one that is confirmed', [CREATED, ['order_confirmed', 'orders', 1, 'order_created']], 'confirmed'],
  ['one that was cancelled after that', [CREATED, ['order_confirmed', 'orders', 1, 'order_created'], ['order_cancelled!', 'orders', 2]], 'cancelled'],
  ['one that waits for its payment', [CREATED, RESERVED], 'pending'],
  ['one of which nothing is known', [], 'pending'],
])('%s is told as that', (_, told, outcome) => {
  expect(sagaOf(traceOf(told)).outcome).toBe(outcome);
}); // prettier-ignore

test('no step is left out or told twice, whatever order and causes they come with', () => {
  const strange: Told[] = [
    ['stock_reserved', 'inventory', 8, 'order_created'],
    ['order_paid', 'orders', 3, 'an event of which nothing is told'],
    CREATED,
    ['order_cancelled!', 'orders', 9],
  ];
  const lines = drawTrace('o', traceOf(strange), plain).slice(2);
  expect(lines.map((line) => line.match(/[a-z_]+_[a-z]+/)?.[0]).toSorted()).toEqual(['order_cancelled', 'order_created', 'order_paid', 'stock_reserved']);
  expect(lines.at(-1)).toMatch(/^order_cancelled/);
}); // prettier-ignore
