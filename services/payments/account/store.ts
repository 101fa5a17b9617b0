import type { FailureReason } from '@orderplane/contracts/payments.ts';
import { encodeEvent, type Origin } from '@orderplane/shared/events/encode.ts';
import { appendToOutbox } from '@orderplane/shared/outbox/append.ts';
import type { Queryable } from '@orderplane/shared/postgres.ts';
import type { Account, Decision, Payment } from './account.ts';

/** An account as it is stored, locked until the end of the transaction. */
export interface StoredAccount {
  readonly orderId: string;
  readonly account: Account;
  /** How many events about the order were sent. */
  readonly version: number;
  /** The event that made it payable, and that which cancelled it. */
  readonly causedBy: string | undefined;
  readonly cancelledBy: string | undefined;
  readonly origin: Origin;
}

/** The account of an order, locked; made where nothing was known of it. */
export async function lockAccount(transaction: Queryable, orderId: string): Promise<StoredAccount> {
  // The update changes nothing: it locks the row that is there, and returns it.
  const payables = await transaction.query<PayableRow>(
    `insert into payables (order_id) values ($1) on conflict (order_id) do update set order_id = excluded.order_id
     returning user_id, amount, is_cancelled, version, caused_by, cancelled_by, correlation_id, traceparent`,
    [orderId],
  );
  const row = payables.rows[0] as PayableRow;
  const { rows } = await transaction.query<PaymentRow>(
    `select id, amount, method, token, status, failure_reason, is_refund_wanted, idempotency_key
     from payments where order_id = $1 for update`,
    [orderId],
  );
  return {
    orderId,
    account: {
      amount: row.amount ?? undefined,
      userId: row.user_id ?? undefined,
      isCancelled: row.is_cancelled,
      payment: rows[0] && payment(rows[0]),
    },
    version: row.version,
    causedBy: row.caused_by ?? undefined,
    cancelledBy: row.cancelled_by ?? undefined,
    origin: { correlationid: row.correlation_id ?? undefined, traceparent: row.traceparent ?? undefined },
  };
}

interface PayableRow {
  readonly user_id: string | null;
  readonly amount: number | null;
  readonly is_cancelled: boolean;
  readonly version: number;
  readonly caused_by: string | null;
  readonly cancelled_by: string | null;
  readonly correlation_id: string | null;
  readonly traceparent: string | null;
}

interface PaymentRow {
  readonly id: string;
  readonly amount: number;
  readonly method: string;
  readonly token: string;
  readonly status: Payment['status'];
  readonly failure_reason: FailureReason | null;
  readonly is_refund_wanted: boolean;
  readonly idempotency_key: string | null;
}

function payment(row: PaymentRow): Payment {
  return {
    id: row.id,
    amount: row.amount,
    method: row.method,
    token: row.token,
    status: row.status,
    failureReason: row.failure_reason ?? undefined,
    isRefundWanted: row.is_refund_wanted,
    idempotencyKey: row.idempotency_key ?? undefined,
  };
}

/** Of the event that is handled, if it is one. */
export interface Cause {
  readonly causedBy?: string | undefined;
  readonly cancelledBy?: string | undefined;
  readonly origin?: Origin;
}

/** Writes what was decided, and puts the events of it into the outbox. */
export async function saveDecision(
  transaction: Queryable,
  before: StoredAccount,
  { next, events }: Decision,
  { cause, at, attemptAt }: { cause: Cause; at: Date; attemptAt: Date },
): Promise<void> {
  const causedBy = before.causedBy ?? cause.causedBy;
  const cancelledBy = before.cancelledBy ?? cause.cancelledBy;
  const origin: Origin = {
    correlationid: before.origin.correlationid ?? cause.origin?.correlationid,
    traceparent: before.origin.traceparent ?? cause.origin?.traceparent,
  };
  await transaction.query(
    `update payables set user_id = $2, amount = $3, is_cancelled = $4, version = $5, caused_by = $6, cancelled_by = $7,
       correlation_id = $8, traceparent = $9 where order_id = $1`,
    [
      before.orderId,
      next.userId ?? null,
      next.amount ?? null,
      next.isCancelled,
      before.version + events.length,
      causedBy ?? null,
      cancelledBy ?? null,
      origin.correlationid ?? null,
      origin.traceparent ?? null,
    ],
  );
  if (next.payment && next.payment !== before.account.payment) {
    await savePayment(transaction, before.orderId, next.userId, next.payment, { at, attemptAt });
  }
  const encoded = events.map((event, index) =>
    encodeEvent({
      ...event,
      service: 'payments',
      subject: before.orderId,
      aggregateVersion: before.version + index + 1,
      at,
      causationId: event.type === 'payment_refunded' ? (cancelledBy ?? causedBy) : causedBy,
      origin,
    }),
  );
  if (encoded.length > 0) await appendToOutbox(transaction, encoded);
}

async function savePayment(
  transaction: Queryable,
  orderId: string,
  userId: string | undefined,
  { id, amount, method, token, status, failureReason, isRefundWanted, idempotencyKey }: Payment,
  { at, attemptAt }: { at: Date; attemptAt: Date },
): Promise<void> {
  await transaction.query(
    `insert into payments (id, order_id, user_id, amount, method, token, status, failure_reason, is_refund_wanted, idempotency_key,
       attempt_at, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)
     on conflict (id) do update set status = excluded.status, failure_reason = excluded.failure_reason,
       is_refund_wanted = excluded.is_refund_wanted, attempt_at = excluded.attempt_at, updated_at = excluded.updated_at`,
    [
      id,
      orderId,
      userId ?? null,
      amount,
      method,
      token,
      status,
      failureReason ?? null,
      isRefundWanted,
      idempotencyKey ?? null,
      attemptAt,
      at,
    ],
  );
}

/** An order whose payment nobody has finished in time; it is the caller's from now until `attemptAt`. */
export async function claimUnsettled(
  database: Queryable,
  { now, attemptAt }: { now: Date; attemptAt: Date },
): Promise<string | undefined> {
  const { rows } = await database.query<{ order_id: string }>(
    `update payments set attempt_at = $2 where id = (
       select id from payments where (status = 'PENDING' or (status = 'SUCCEEDED' and is_refund_wanted)) and attempt_at <= $1
       order by attempt_at limit 1 for update skip locked)
     returning order_id`,
    [now, attemptAt],
  );
  return rows[0]?.order_id;
}
