import type { EventOf } from '@orderplane/contracts/events.ts';
import type { OrderTopic, Topic } from '@orderplane/contracts/topics.ts';

type Fact<T extends Topic> = { readonly type: T; readonly data: EventOf<T>['data'] };

/** What happened to one order. The names are those of the topics; the data is that of the contracts, in its newest version. */
export type OrderEvent = { [T in OrderTopic]: Fact<T> }[OrderTopic];

/** What other services say happened for an order, and the order answers to. */
export const ANSWERED_TOPICS = {
  stock: ['stock_reserved', 'stock_rejected', 'stock_released'],
  payment: ['payment_processed', 'payment_failed', 'payment_refunded'],
} as const;
export type AnsweredTopic = (typeof ANSWERED_TOPICS)['stock' | 'payment'][number];
export type AnsweredEvent = { [T in AnsweredTopic]: Fact<T> }[AnsweredTopic];

/** The version of each event's data as this service writes it; any other is brought to it when it is read. */
export const SCHEMA_VERSIONS: Readonly<Record<OrderTopic, number>> = {
  order_created: 2,
  order_stock_reserved: 1,
  order_paid: 1,
  order_confirmed: 1,
  order_cancelled: 1,
  order_stock_released: 1,
  order_refunded: 1,
} satisfies { [T in OrderTopic]: EventOf<T>['schemaversion'] };

/** For people: what the data of an event says beyond its type. */
export function detailOf(fact: OrderEvent | AnsweredEvent): string | undefined {
  switch (fact.type) {
    case 'order_created':
      return `${fact.data.lines.map(({ productId, qty }) => `${qty} × ${productId}`).join(', ')}: ${fact.data.total}`;
    case 'order_cancelled':
      return fact.data.detail === undefined ? fact.data.reason : `${fact.data.reason}: ${fact.data.detail}`;
    case 'order_refunded':
      return String(fact.data.amount);
    case 'stock_rejected':
      return `${fact.data.productId}: ${fact.data.requested} wanted, ${fact.data.available} there`;
    case 'stock_released':
      return fact.data.reason;
    case 'payment_processed':
    case 'payment_refunded':
      return `${fact.data.amount} by ${fact.data.method}`;
    case 'payment_failed':
      return `${fact.data.amount} by ${fact.data.method}: ${fact.data.failureReason}`;
    default:
      return undefined;
  }
}
