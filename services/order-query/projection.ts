import type { EventOf } from '@orderplane/contracts/events.ts';
import { ORDER_TOPICS, type OrderTopic } from '@orderplane/contracts/topics.ts';
import type { Advance, Change, OrderStatus } from './read-model.ts';

export const PROJECTED_TOPICS = ORDER_TOPICS;

/** Where an order is after an event of its. What comes after the cancellation undoes, and leaves it cancelled. */
const STATUS: Readonly<Record<Exclude<OrderTopic, 'order_created'>, OrderStatus>> = {
  order_stock_reserved: 'STOCK_RESERVED',
  order_paid: 'PAID',
  order_confirmed: 'CONFIRMED',
  order_cancelled: 'CANCELLED',
  order_stock_released: 'CANCELLED',
  order_refunded: 'CANCELLED',
};

/** What an event means for the read model. */
export function changeOf(event: EventOf<OrderTopic>): Change {
  const { subject: id, aggregateversion: version } = event;
  const at = new Date(event.time);
  if (event.type !== 'order_created') return { kind: 'advance', id, version, to: advanceOf(event, at) };
  const { userId, lines, total } = event.data;
  const [first] = lines;
  if (!first) throw new Error('an order without lines');
  const order = {
    id,
    ...first,
    lines,
    total,
    status: 'PENDING',
    refunded: false,
    version,
    createdAt: at,
    updatedAt: at,
  } as const;
  return { kind: 'create', order: userId === undefined ? order : { ...order, userId } };
}

function advanceOf(event: Exclude<EventOf<OrderTopic>, EventOf<'order_created'>>, updatedAt: Date): Advance {
  const to = { status: STATUS[event.type], updatedAt };
  if (event.type === 'order_cancelled') return { ...to, cancelReason: event.data.reason };
  return event.type === 'order_refunded' ? { ...to, refunded: true } : to;
}
