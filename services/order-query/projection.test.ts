import { describe, expect, test } from '@jest/globals';
import { type EventOf, parseEvent } from '@orderplane/contracts/events.ts';
import type { OrderTopic } from '@orderplane/contracts/topics.ts';
import { changeOf } from './projection.ts';

const id = '01a1fc3d-78e1-72e2-adbd-883e7ae12aca';
const time = '2026-11-21T03:54:09.505Z';
const event = (type: OrderTopic, aggregateversion: number, data: object) => {
  const parsed = parseEvent({
    specversion: '1.0',
    id,
    source: '/orderplane/orders',
    type,
    subject: id,
    time,
    datacontenttype: 'application/json',
    schemaversion: 1,
    aggregateversion,
    data,
  });
  if (!parsed.success) throw parsed.error;
  return parsed.data as EventOf<OrderTopic>;
};

const at = new Date(time);
const line = { productId: 'p1', qty: 2, price: 199 };
const pending = {
  id,
  ...line,
  lines: [line],
  total: 398,
  status: 'PENDING',
  refunded: false,
  version: 1,
  createdAt: at,
};
const advance = (version: number, to: object) => ({ kind: 'advance', id, version, to: { ...to, updatedAt: at } });

describe('the projection', () => {
  test.each([
    [
      'makes a pending order of its first event, of the first version of its schema too',
      event('order_created', 1, line),
      { kind: 'create', order: { ...pending, updatedAt: at } },
    ],
    ['tells how far it is', event('order_stock_reserved', 2, {}), advance(2, { status: 'STOCK_RESERVED' })],
    ['confirms it', event('order_confirmed', 2, {}), advance(2, { status: 'CONFIRMED' })],
    [
      'cancels it, and tells why',
      event('order_cancelled', 3, { reason: 'out_of_stock' }),
      advance(3, { status: 'CANCELLED', cancelReason: 'out_of_stock' }),
    ],
    [
      'leaves a cancelled one cancelled when its stock is back',
      event('order_stock_released', 4, {}),
      advance(4, { status: 'CANCELLED' }),
    ],
    [
      'and when its money is',
      event('order_refunded', 5, { paymentId: id, amount: 398 }),
      advance(5, { status: 'CANCELLED', refunded: true }),
    ],
  ])('%s', (_sentence, given, change) => {
    expect(changeOf(given)).toEqual(change);
  });
});
