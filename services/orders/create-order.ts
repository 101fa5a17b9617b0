import { isDeepStrictEqual } from 'node:util';
import type { OrderLine, PaymentInstruction } from '@orderplane/contracts/events.ts';
import { PAYMENT_METHODS } from '@orderplane/contracts/payments.ts';
import { badInput, CodedError, type ErrorCode } from '@orderplane/shared/errors.ts';
import { annotate, ORDER_ID } from '@orderplane/shared/telemetry/span.ts';
import type { Step } from './order/decide.ts';
import { type ExecuteDeps, store } from './order/execute.ts';
import { keyOfRequest } from './order/idempotency-key.ts';
import { checkLines, totalOf } from './order/lines.ts';
import { order } from './order/order.ts';
import { isUuid } from './order/text.ts';

export interface CreateOrderDeps extends ExecuteDeps {
  /** What a piece costs now; undefined: inventory does not know the product. */
  readonly priceOf: (productId: string) => Promise<number | undefined>;
  readonly steps: readonly Step[];
}

export interface NewOrder {
  /** For an order of one product, instead of `lines`. */
  readonly productId: string;
  readonly qty: number;
  readonly lines: readonly { readonly productId: string; readonly qty: number }[];
  readonly userId?: string | undefined;
  readonly payment?: PaymentInstruction | undefined;
  readonly idempotencyKey?: string | undefined;
}

export interface CreatedOrder {
  readonly id: string;
  readonly lines: readonly OrderLine[];
  readonly total: number;
  readonly version: number;
  readonly createdAt: Date;
}

/**
 * Inventory is asked here, not in the gateway: that no order for an unknown product is ever stored, and that the prices in the event are
 * inventory's, must not depend on who calls.
 */
export async function createOrder(deps: CreateOrderDeps, input: NewOrder): Promise<CreatedOrder> {
  const request = checked(input);
  const { lines, userId, payment, idempotencyKey } = request;
  const priced = await withPrices(deps, lines);
  // The product may be gone since the first request of this key, which has its answer all the same.
  if (!priced) return firstOrder(deps, request, 'PRODUCT_NOT_FOUND');
  const create = { type: 'create_order', lines: priced, userId, payment, steps: deps.steps } as const;
  const orderId = deps.newId();
  annotate({ [ORDER_ID]: orderId });
  const events = order.decide(order.initial, create).map((event, index) => ({
    ...event,
    id: index === 0 ? orderId : deps.newId(),
  }));
  const loaded = { order: order.initial, version: 0 };
  const { appended, at } = await store(deps, { orderId, loaded, events }, { idempotencyKey });
  if (appended === 'known') return firstOrder(deps, request, 'IDEMPOTENCY_KEY_REUSED');
  return { id: orderId, lines: priced, total: totalOf(priced), version: events.length, createdAt: at };
}

type CheckedOrder = Pick<NewOrder, 'lines' | 'userId' | 'payment' | 'idempotencyKey'>;

/** Throws BAD_USER_INPUT for what is wrong whatever inventory says. The key comes out as that of the user. */
function checked({ productId, qty, lines, userId, payment, idempotencyKey: key }: NewOrder): CheckedOrder {
  if (key !== undefined && !/^[\x21-\x7e]{1,128}$/.test(key)) {
    throw badInput('idempotencyKey', 'idempotencyKey must be 1 to 128 printable ASCII characters.');
  }
  if (userId !== undefined && !isUuid(userId)) throw badInput('userId', 'userId must be the id of a user.');
  if (payment) checkPayment(payment);
  const idempotencyKey = key === undefined ? undefined : keyOfRequest(key, userId);
  if (lines.length > 0) {
    if (productId !== '' || qty !== 0) throw badInput('lines', 'Give either lines, or productId and qty.');
    checkLines(lines);
    return { lines, userId, payment, idempotencyKey };
  }
  const line = { productId, qty };
  checkLines([line], (_index, field) => field);
  return { lines: [line], userId, payment, idempotencyKey };
}

function checkPayment({ method, token }: PaymentInstruction): void {
  if (!PAYMENT_METHODS.some((known) => known === method)) {
    throw badInput('payment.method', `payment.method must be one of ${PAYMENT_METHODS.join(', ')}.`);
  }
  if (!/^[\x21-\x7e]{1,128}$/.test(token)) {
    throw badInput('payment.token', 'payment.token must be 1 to 128 printable ASCII characters.');
  }
}

/** Undefined when there is a product that inventory does not know. */
async function withPrices(
  { priceOf }: CreateOrderDeps,
  lines: CheckedOrder['lines'],
): Promise<OrderLine[] | undefined> {
  const prices = await Promise.all(lines.map(({ productId }) => priceOf(productId)));
  const priced = lines.flatMap(({ productId, qty }, index) => {
    const price = prices[index];
    return price === undefined ? [] : [{ productId, qty, price }];
  });
  return priced.length === lines.length ? priced : undefined;
}

/** The order that was made first under the request's key; throws where there is none, or another than this request asks for. */
async function firstOrder(
  { store: events }: CreateOrderDeps,
  { idempotencyKey, ...request }: CheckedOrder,
  otherwise: ErrorCode,
): Promise<CreatedOrder> {
  const id = idempotencyKey === undefined ? undefined : await events.findByIdempotencyKey(idempotencyKey);
  if (id === undefined) throw new CodedError(otherwise);
  const history = await events.history(id);
  const [created] = history;
  if (created?.type !== 'order_created' || !isDeepStrictEqual(askedFor(created.data), askedFor(request))) {
    throw new CodedError('IDEMPOTENCY_KEY_REUSED');
  }
  const { lines, total } = created.data;
  return { id, lines, total, version: history.length, createdAt: created.recordedAt };
}

/** What the caller decided, and not what inventory did. */
function askedFor({ lines, payment }: Pick<CheckedOrder, 'lines' | 'payment'>) {
  return {
    lines: lines.map(({ productId, qty }) => ({ productId, qty })),
    payment: payment && { method: payment.method, token: payment.token },
  };
}
