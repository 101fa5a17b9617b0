import { type EventOf } from '@orderplane/contracts/events.ts';
import { PAYMENT_METHODS, type PaymentMethod } from '@orderplane/contracts/payments.ts';
import { badInput, CodedError, isUnavailable } from '@orderplane/shared/errors.ts';
import type { Handled } from '@orderplane/shared/events/bus.ts';
import { query } from '@orderplane/shared/postgres.ts';
import pg from 'pg';
import type { Account } from './account/account.ts';
import { carryOut, settle, type SettleDeps } from './account/settle.ts';

/** A payment as others see it: without its token. */
export interface PaymentView {
  readonly id: string;
  readonly orderId: string;
  readonly userId: string | undefined;
  readonly amount: number;
  readonly method: string;
  readonly status: 'PENDING' | 'SUCCEEDED' | 'FAILED' | 'REFUNDED';
  readonly failureReason: string | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface PaymentRequest {
  readonly orderId: string;
  readonly userId?: string | undefined;
  readonly method: string;
  readonly token: string;
  readonly idempotencyKey?: string | undefined;
}

/** The order's stock is reserved: it can be paid, and is at once where it says how. */
export async function handleStockReserved(
  deps: SettleDeps,
  { id, subject, data, correlationid, traceparent }: EventOf<'stock_reserved'>,
): Promise<Handled> {
  const { total: amount, userId, payment } = data;
  const command = {
    type: 'make_payable',
    amount,
    userId,
    payment: payment && { ...payment, id: deps.newId() },
  } as const;
  const origin = { correlationid, traceparent };
  await settle(deps, subject, await carryOut(deps, subject, command, { causedBy: id, origin }));
  return 'done';
}

/** What was charged for the order is given back; what was not never will be charged. */
export async function handleOrderCancelled(
  deps: SettleDeps,
  { id, subject, correlationid, traceparent }: EventOf<'order_cancelled'>,
): Promise<Handled> {
  const origin = { correlationid, traceparent };
  const account = await carryOut(deps, subject, { type: 'cancel' }, { cancelledBy: id, origin });
  // A charge that is under way is its own settler's, who sees the cancellation when the processor has answered.
  if (account.payment?.status === 'SUCCEEDED') await settle(deps, subject, account);
  return 'done';
}

/** Pays for an order. PENDING: the processor does not answer; it will be asked again until it does. */
export async function createPayment(deps: SettleDeps, request: PaymentRequest): Promise<PaymentView> {
  const { orderId, userId, method, token, idempotencyKey } = request;
  checkId('orderId', orderId);
  if (userId !== undefined) checkId('userId', userId);
  if (!PAYMENT_METHODS.includes(method as PaymentMethod)) {
    throw badInput('method', `method must be one of ${PAYMENT_METHODS.join(', ')}.`);
  }
  if (!/^[\x21-\x7e]{1,128}$/.test(token))
    throw badInput('token', 'token must be 1 to 128 printable ASCII characters.');
  if (idempotencyKey !== undefined && !/^[\x21-\x7e]{1,128}$/.test(idempotencyKey)) {
    throw badInput('idempotencyKey', 'idempotencyKey must be 1 to 128 printable ASCII characters.');
  }
  const payment = { id: deps.newId(), method, token, idempotencyKey };
  const begun = await carryOut(deps, orderId, { type: 'pay', userId, payment }).catch(keyOfAnotherOrder);
  await settle(deps, orderId, begun).catch((error: unknown) => {
    if (!isUnavailable(error)) throw error;
  });
  return findPayment(deps, { id: begun.payment!.id });
}

/** Gives the money of a payment back. */
export async function refundPayment(
  deps: SettleDeps,
  asked: { id: string; userId?: string | undefined },
): Promise<PaymentView> {
  const { orderId } = await findPayment(deps, asked);
  const account: Account = await carryOut(deps, orderId, { type: 'refund' });
  await settle(deps, orderId, account);
  return findPayment(deps, asked);
}

export async function findPayment(
  { pool }: Pick<SettleDeps, 'pool'>,
  { id, userId }: { id: string; userId?: string | undefined },
): Promise<PaymentView> {
  if (!UUID.test(id) || (userId !== undefined && !UUID.test(userId))) throw new CodedError('PAYMENT_NOT_FOUND');
  const rows = await query<PaymentView>(pool, `${SELECT} where id = $1 and ($2::uuid is null or user_id = $2)`, [
    id,
    userId ?? null,
  ]);
  if (!rows[0]) throw new CodedError('PAYMENT_NOT_FOUND');
  return rows[0];
}

/** The newest payments, of one user or order where that is said. */
export async function listPayments(
  { pool }: Pick<SettleDeps, 'pool'>,
  { userId, orderId }: { userId?: string | undefined; orderId?: string | undefined },
): Promise<PaymentView[]> {
  if (userId !== undefined) checkId('userId', userId);
  if (orderId !== undefined) checkId('orderId', orderId);
  return query<PaymentView>(
    pool,
    `${SELECT} where ($1::uuid is null or user_id = $1) and ($2::uuid is null or order_id = $2)
     order by created_at desc, id desc limit 100`,
    [userId ?? null, orderId ?? null],
  );
}

const SELECT = `select id, order_id as "orderId", user_id as "userId", amount, method, status, failure_reason as "failureReason",
  created_at as "createdAt", updated_at as "updatedAt" from payments`;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function checkId(field: string, id: string): void {
  if (!UUID.test(id)) throw badInput(field, `${field} must be an id.`);
}

function keyOfAnotherOrder(error: unknown): never {
  if (error instanceof pg.DatabaseError && error.constraint === 'payments_idempotency_key') {
    throw new CodedError('IDEMPOTENCY_KEY_REUSED');
  }
  throw error;
}
