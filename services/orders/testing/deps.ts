import { randomUUIDv7 } from 'node:crypto';
import type { EventOf } from '@orderplane/contracts/events.ts';
import type { Pool } from '@orderplane/shared/postgres.ts';
import { Registry } from 'prom-client';
import type { CreateOrderDeps } from '../create-order.ts';
import { ordersMetrics } from '../metrics.ts';
import type { AnsweredEvent, AnsweredTopic } from '../order/events.ts';
import { postgresEventStore } from '../order/postgres-event-store.ts';

/** What a process of orders works with, with all steps of the saga and a price for every product whose id begins with p. */
export function processDeps(pool: Pool, facts: Partial<CreateOrderDeps> = {}): CreateOrderDeps {
  return {
    store: postgresEventStore(pool, { snapshotInterval: 3 }),
    metrics: ordersMetrics(new Registry()),
    now: () => new Date(),
    newId: () => randomUUIDv7(),
    stored: () => undefined,
    timeoutsMs: { stock_timeout: 30_000, payment_timeout: 900_000 },
    steps: ['stock', 'payment'],
    priceOf: async (productId) => (productId.startsWith('p') ? 199 : undefined),
    ...facts,
  };
}

/** An event of another service about an order. */
export function foreignEvent<T extends AnsweredTopic>(
  orderId: string,
  type: T,
  data: Extract<AnsweredEvent, { type: T }>['data'],
): EventOf<T> {
  const event = {
    specversion: '1.0',
    id: randomUUIDv7(),
    source: type.startsWith('stock') ? '/orderplane/inventory' : '/orderplane/payments',
    type,
    subject: orderId,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    schemaversion: 1,
    aggregateversion: 1,
    causationid: orderId,
    data,
  };
  return event as unknown as EventOf<T>;
}

const lines = [{ productId: 'p1', qty: 2, price: 199 }];
const charge = { paymentId: randomUUIDv7(), amount: 398, method: 'CREDIT_CARD' };

export const stockReserved = (orderId: string) =>
  foreignEvent(orderId, 'stock_reserved', { lines, total: 398, expiresAt: new Date().toISOString() });
export const stockRejected = (orderId: string) =>
  foreignEvent(orderId, 'stock_rejected', { productId: 'p1', requested: 2, available: 1 });
export const stockReleased = (orderId: string) =>
  foreignEvent(orderId, 'stock_released', { reason: 'order_cancelled' });
export const paymentProcessed = (orderId: string) => foreignEvent(orderId, 'payment_processed', charge);
export const paymentFailed = (orderId: string) =>
  foreignEvent(orderId, 'payment_failed', { ...charge, failureReason: 'card_declined' });
export const paymentRefunded = (orderId: string) => foreignEvent(orderId, 'payment_refunded', charge);
