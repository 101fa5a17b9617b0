import { describe, expect, test } from '@jest/globals';
import { faultsOf } from './audit.ts';
import type { BookedOrder, Books } from './books.ts';

const SEEDED = new Map([['p1', 10]]);
const CREATED = ['order_created', 'order_stock_reserved'];

const order = (outcome: string, ...types: string[]): BookedOrder => ({
  types: [...CREATED, ...types],
  lines: [{ productId: 'p1', qty: 2, price: 5 }],
  total: 10,
  outcome,
});

/** One order that was paid for, and one that was and then cancelled. */
const SOUND: Books = {
  orders: new Map([
    ['sold', order('confirmed', 'order_paid', 'order_confirmed')],
    ['undone', order('requested', 'order_paid', 'order_confirmed', 'order_cancelled', 'order_refunded')],
  ]),
  reservations: [
    { orderId: 'sold', status: 'committed' },
    { orderId: 'undone', status: 'released' },
  ],
  stock: [{ productId: 'p1', onHand: 8, reserved: 0 }],
  charges: [
    { key: 'c1', orderId: 'sold', amount: 10, refunded: false },
    { key: 'c2', orderId: 'undone', amount: 10, refunded: true },
  ],
  payments: [
    { id: 'c1', orderId: 'sold', status: 'SUCCEEDED', amount: 10 },
    { id: 'c2', orderId: 'undone', status: 'REFUNDED', amount: 10 },
  ],
  unfinished: [],
};

const [sold, undone] = SOUND.charges as [Books['charges'][number], Books['charges'][number]];
const confirmed = SOUND.orders.get('sold') as BookedOrder;

describe('the books of all sides', () => {
  test('that agree have no fault', () => {
    expect(faultsOf(SOUND, SEEDED)).toEqual([]);
  });

  test.each<[string, Partial<Books>, string[]]>([
    ['a second charge', { charges: [sold, { ...sold, key: 'again' }, undone] }, ['order sold was charged 2 times']],
    [
      'a charge of another amount',
      { charges: [{ ...sold, amount: 11 }, undone] },
      ['order sold is 10, and 11 was asked for it'],
    ],
    [
      'a confirmed order that nobody paid',
      { charges: [undone], payments: SOUND.payments.slice(1) },
      ['order sold is confirmed and was not paid'],
    ],
    [
      'a charge for a cancelled order that is kept',
      { charges: [sold, { ...undone, refunded: false }] },
      [
        'order undone is cancelled (requested), its money was kept',
        'order undone was not refunded, and does say so',
        'order undone: payments says REFUNDED, the processor SUCCEEDED',
      ],
    ],
    [
      'a refund that the order was not told of',
      { orders: new Map([...SOUND.orders, ['undone', order('requested', 'order_cancelled')]]) },
      ['order undone was refunded, and does not say so'],
    ],
    [
      'an event that an order has twice',
      { orders: new Map([...SOUND.orders, ['sold', { ...confirmed, types: [...confirmed.types, 'order_paid'] }]]) },
      [`order sold has an event twice: ${[...confirmed.types, 'order_paid'].join(', ')}`],
    ],
    [
      'a reservation that a cancelled order still has',
      {
        reservations: [SOUND.reservations[0]!, { orderId: 'undone', status: 'held' }],
        stock: [{ productId: 'p1', onHand: 8, reserved: 2 }],
      },
      ['order undone is requested, its reservation held', 'p1: 2 are held for nobody'],
    ],
    [
      'a piece too few in stock',
      { stock: [{ productId: 'p1', onHand: 7, reserved: 0 }] },
      ['p1: 7 on hand, where 8 should be left'],
    ],
    [
      'a charge for no order',
      { charges: [...SOUND.charges, { ...sold, orderId: 'nothing' }] },
      ['there is no order nothing, which others know of'],
    ],
  ])('have %s as their fault', (_what, change, faults) => {
    expect(faultsOf({ ...SOUND, ...change }, SEEDED)).toEqual(faults);
  });
});
