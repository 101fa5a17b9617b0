import type { OrderLine } from '@orderplane/contracts/events.ts';
import { decide } from './decide.ts';
import type { OrderEvent } from './events.ts';

export type Order = { readonly status: 'none' } | PlacedOrder;

export interface PlacedOrder {
  /** `confirmed` ends only in `cancelled`, and that never. */
  readonly status: 'pending' | 'stock_reserved' | 'paid' | 'confirmed' | 'cancelled';
  readonly userId?: string | undefined;
  readonly lines: readonly OrderLine[];
  /** What was undone after the cancellation. */
  readonly stockReleased: boolean;
  readonly refunded: boolean;
}

/** Changes whenever `Order` does: a snapshot of another shape is not read. */
export const ORDER_SHAPE = 1;

export type DeadlineReason = 'stock_timeout' | 'payment_timeout';

const initial: Order = { status: 'none' };

/** The state after one more event. */
function evolve(order: Order, event: OrderEvent): Order {
  if (event.type === 'order_created') {
    const { userId, lines } = event.data;
    return { status: 'pending', ...(userId !== undefined && { userId }), lines, stockReleased: false, refunded: false };
  }
  if (order.status === 'none') throw new Error(`${event.type} before order_created`);
  switch (event.type) {
    case 'order_stock_reserved':
      return { ...order, status: 'stock_reserved' };
    case 'order_paid':
      return { ...order, status: 'paid' };
    case 'order_confirmed':
      return { ...order, status: 'confirmed' };
    case 'order_cancelled':
      return { ...order, status: 'cancelled' };
    case 'order_stock_released':
      return { ...order, stockReleased: true };
    case 'order_refunded':
      return { ...order, refunded: true };
  }
}

/** What an order in this state must not wait for without end. */
export function deadlineOf({ status }: Order): DeadlineReason | undefined {
  if (status === 'pending') return 'stock_timeout';
  return status === 'stock_reserved' ? 'payment_timeout' : undefined;
}

/** One order: pure, without clock, chance or I/O. */
export const order = { initial, decide, evolve } as const;
