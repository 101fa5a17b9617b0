import type { Features } from '../../gateway/features.ts';
import { refusalOf } from '../checkout/payment.ts';
import type { Order, TraceStep } from '../model.ts';

export interface Step {
  name: string;
  note?: string | undefined;
  state: 'done' | 'active' | 'waiting' | 'failed' | 'undone';
  /** When it happened, where that is known. */
  at?: string | undefined;
}

/** Steps of an order by the events that tell of them. */
const DONE: Record<string, { name: string; state: Step['state'] }> = {
  order_created: { name: 'Placed', state: 'done' },
  order_stock_reserved: { name: 'Set aside', state: 'done' },
  order_paid: { name: 'Paid', state: 'done' },
  order_confirmed: { name: 'Confirmed', state: 'done' },
  order_cancelled: { name: 'Cancelled', state: 'failed' },
  order_stock_released: { name: 'Put back on the shelf', state: 'undone' },
  order_refunded: { name: 'Refunded', state: 'undone' },
};

/** What an order has to do until it is confirmed, with how many of its events it takes at least to have done it. */
const WAY = ['order_created', 'order_stock_reserved', 'order_paid', 'order_confirmed'] as const;
const STATUS_AT: Partial<Record<Order['status'], number>> = { PENDING: 0, STOCK_RESERVED: 1, PAID: 2, CONFIRMED: 3 };

/**
 * The way of an order: what happened, from its trace where there is one and else from its status, and what is still to
 * come on this platform.
 */
export function stepsOf(order: Order, trace: readonly TraceStep[] | undefined, features: Features): Step[] {
  const way = WAY.filter((type) => type !== 'order_paid' || features.payments);
  const happened = trace ? fromTrace(order, trace) : fromStatus(order, way);
  if (order.status === 'CANCELLED' || order.status === 'CONFIRMED') return happened.map(({ step }) => step);
  const types = new Set(happened.map(({ type }) => type));
  const ahead = way.filter((type) => !types.has(type));
  return [
    ...happened.map(({ step }) => step),
    ...ahead.map((type, index): Step => ({ name: DONE[type]!.name, state: index === 0 ? 'active' : 'waiting' })),
  ];
}

interface Happened {
  type: string;
  step: Step;
}

/** Not what is newer than the order as it is shown. */
function fromTrace(order: Order, trace: readonly TraceStep[]): Happened[] {
  const own = trace.filter(({ type, service }) => service === 'orders' && type in DONE).slice(0, order.version || 1);
  return own.map(({ type, occurredAt }) => {
    const note = type === 'order_cancelled' ? reasonOf(order, trace) : undefined;
    return { type, step: { ...DONE[type]!, at: occurredAt, note } };
  });
}

function fromStatus(order: Order, way: readonly string[]): Happened[] {
  const placed: Happened = { type: 'order_created', step: { ...DONE.order_created!, at: order.createdAt } };
  if (order.status === 'CANCELLED') {
    const cancelled = { ...DONE.order_cancelled!, at: order.updatedAt, note: reasonOf(order) };
    const refunded = order.refunded ? [{ type: 'order_refunded', step: DONE.order_refunded! }] : [];
    return [placed, { type: 'order_cancelled', step: cancelled }, ...refunded];
  }
  const reached = STATUS_AT[order.status] ?? 0;
  const done = WAY.slice(1, reached + 1).filter((type) => way.includes(type));
  // An event each: what there were too few for was not asked for on this platform.
  const missing = Math.max(0, done.length - (order.version - 1));
  const real = done.slice(missing);
  return [
    placed,
    ...real.map((type, index) => {
      const at = index === real.length - 1 ? order.updatedAt : undefined;
      return { type, step: { ...DONE[type]!, at } };
    }),
  ];
}

const REASONS: Record<string, string> = {
  out_of_stock: 'Somebody was faster: there is not enough left.',
  payment_failed: 'The payment was refused.',
  stock_timeout: 'The stock could not be checked in time.',
  payment_timeout: 'It was not paid in time.',
  reservation_expired: 'It was set aside for too long.',
  refunded: 'The payment was given back.',
  requested: 'It was cancelled on request.',
  cancelled_by_customer: 'You cancelled it.',
  cancelled_by_admin: 'The shop cancelled it.',
};

/** Why an order was cancelled, in plain words: those of the trace, which knows more, where there is one. */
export function reasonOf({ cancelReason = '' }: Order, trace: readonly TraceStep[] = []): string {
  const detail =
    trace
      .find(({ type }) => type === 'order_cancelled')
      ?.detail?.split(': ')
      .at(-1) ?? '';
  const known = refusalOf(detail) ?? REASONS[detail] ?? REASONS[cancelReason];
  return known ?? (cancelReason === '' ? '' : `The reason: ${cancelReason.replaceAll('_', ' ')}.`);
}

/** How far an order is, in one sentence. */
export function headlineOf(order: Order, isWaitingForPayment: boolean): string {
  switch (order.status) {
    case 'PENDING':
      return 'Your order is placed';
    case 'STOCK_RESERVED':
      return isWaitingForPayment ? 'Your order waits for your payment' : 'Your things are set aside';
    case 'PAID':
      return 'Your order is paid';
    case 'CONFIRMED':
      return 'Your order is confirmed';
    case 'CANCELLED':
      return order.refunded ? 'Your order is cancelled and refunded' : 'Your order is cancelled';
  }
}

/** The time from the placing of an order to one of its steps: "+87 ms", "+2.4 s", "+3 min". Nothing for clocks that disagree. */
export function timeAfter(from: string, to: string): string | undefined {
  const ms = Date.parse(to) - Date.parse(from);
  if (!(ms > 0)) return undefined;
  if (ms < 1_000) return `+${ms} ms`;
  if (ms < 60_000) return `+${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `+${Math.round(ms / 60_000)} min`;
  return undefined;
}
