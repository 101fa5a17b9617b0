import type { EventOf, OrderLine, PaymentInstruction } from '@orderplane/contracts/events.ts';
import { badInput, CodedError } from '@orderplane/shared/errors.ts';
import type { AnsweredEvent, AnsweredTopic, OrderEvent } from './events.ts';
import { checkLines, totalOf } from './lines.ts';
import type { DeadlineReason, Order, PlacedOrder } from './order.ts';

/** What has to be done before an order is confirmed, by other services. */
export type Step = 'stock' | 'payment';

export type OrderCommand =
  | {
      readonly type: 'create_order';
      readonly lines: readonly OrderLine[];
      readonly userId?: string | undefined;
      readonly payment?: PaymentInstruction | undefined;
      readonly steps: readonly Step[];
    }
  | {
      readonly type: 'cancel_order';
      readonly reason: string;
      /** The one product whose orders the caller may cancel. */
      readonly onlyProductId?: string | undefined;
      /** Whose orders the caller may cancel; undefined: anybody's. */
      readonly userId?: string | undefined;
    }
  | { readonly type: 'answer'; readonly event: AnsweredEvent; readonly steps: readonly Step[] }
  | { readonly type: 'expire'; readonly reason: DeadlineReason };

/** What a command leads to; nothing, where it has been done or is too late. Throws a CodedError for one that is refused. */
export function decide(order: Order, command: OrderCommand): OrderEvent[] {
  switch (command.type) {
    case 'create_order':
      return create(order, command);
    case 'cancel_order':
      return cancel(order, command);
    case 'answer':
      return answer(placed(order), command.event, command.steps);
    case 'expire':
      return expire(placed(order), command.reason);
  }
}

type CommandOf<T extends OrderCommand['type']> = Extract<OrderCommand, { type: T }>;

function create(order: Order, { lines, userId, payment, steps }: CommandOf<'create_order'>): OrderEvent[] {
  if (order.status !== 'none') throw new CodedError('CONFLICT');
  checkLines(lines);
  if (payment !== undefined && !steps.includes('payment')) {
    throw badInput('payment', 'Orders are not paid here. Leave payment out.');
  }
  const data = { ...(userId !== undefined && { userId }), lines: [...lines], total: totalOf(lines) };
  const created: OrderEvent = { type: 'order_created', data: payment === undefined ? data : { ...data, payment } };
  return steps.length === 0 ? [created, confirmed] : [created];
}

function cancel(order: Order, { reason, onlyProductId, userId }: CommandOf<'cancel_order'>): OrderEvent[] {
  const { status, lines, userId: owner } = placed(order);
  const isOthers = userId !== undefined && owner !== userId;
  const hasOthers = onlyProductId !== undefined && lines.some(({ productId }) => productId !== onlyProductId);
  if (isOthers || hasOthers) throw new CodedError('ORDER_NOT_FOUND');
  // Stock and money are given back by those who have them, when they hear of it.
  return status === 'cancelled' ? [] : [cancelled('requested', reason)];
}

function expire({ status }: PlacedOrder, reason: DeadlineReason): OrderEvent[] {
  const waits = { stock_timeout: status === 'pending', payment_timeout: status === 'stock_reserved' };
  return waits[reason] ? [cancelled(reason)] : [];
}

type Answer<T extends AnsweredTopic> = (
  order: PlacedOrder,
  data: EventOf<T>['data'],
  steps: readonly Step[],
) => OrderEvent[];

/** Facts come late, twice and in any order between services: each answer looks only at where the order is. */
const ANSWERS: { readonly [T in AnsweredTopic]: Answer<T> } = {
  stock_reserved: ({ status }, _data, steps) => {
    if (status !== 'pending') return [];
    return steps.includes('payment') ? [stockReserved] : [stockReserved, confirmed];
  },
  // Also a confirmed order: its reservation had expired, and there is no stock any more.
  stock_rejected: ({ status }, { productId, requested, available }) =>
    status === 'cancelled'
      ? []
      : [cancelled('out_of_stock', `${productId}: ${requested} wanted, ${available} available`)],
  stock_released: ({ status, stockReleased }, { reason }) => {
    if (reason === 'expired') return isOpen(status) ? [cancelled('reservation_expired')] : [];
    return status === 'cancelled' && !stockReleased ? [{ type: 'order_stock_released', data: {} }] : [];
  },
  // A cancelled order's charge is given back by who made it.
  payment_processed: ({ status }, { paymentId }) => {
    if (!isOpen(status)) return [];
    const paid: OrderEvent[] = [{ type: 'order_paid', data: { paymentId } }, confirmed];
    return status === 'pending' ? [stockReserved, ...paid] : paid;
  },
  payment_failed: ({ status }, { failureReason }) =>
    isOpen(status) ? [cancelled('payment_failed', failureReason)] : [],
  payment_refunded: ({ status, refunded }, { paymentId, amount }) => {
    if (refunded) return [];
    const refund: OrderEvent = { type: 'order_refunded', data: { paymentId, amount } };
    return status === 'cancelled' ? [refund] : [cancelled('refunded'), refund];
  },
};

function answer(order: PlacedOrder, { type, data }: AnsweredEvent, steps: readonly Step[]): OrderEvent[] {
  return (ANSWERS[type] as Answer<AnsweredTopic>)(order, data as never, steps);
}

const stockReserved: OrderEvent = { type: 'order_stock_reserved', data: {} };
const confirmed: OrderEvent = { type: 'order_confirmed', data: {} };

function cancelled(reason: string, detail?: string): OrderEvent {
  const cut = detail?.slice(0, 500);
  return { type: 'order_cancelled', data: cut ? { reason, detail: cut } : { reason } };
}

/** Neither confirmed nor cancelled yet. */
function isOpen(status: PlacedOrder['status']): boolean {
  return status === 'pending' || status === 'stock_reserved' || status === 'paid';
}

function placed(order: Order): PlacedOrder {
  if (order.status === 'none') throw new CodedError('ORDER_NOT_FOUND');
  return order;
}
