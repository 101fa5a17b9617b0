import { encodeEvent, type Origin } from '@orderplane/shared/events/encode.ts';
import type { EncodedEvent } from '@orderplane/shared/events/bus.ts';
import { appendToOutbox } from '@orderplane/shared/outbox/append.ts';
import type { Queryable } from '@orderplane/shared/postgres.ts';
import { changeStock } from '../stock/stock.ts';
import type { Decision, Ordered, Pieces, Reservation } from './reservation.ts';

/** A reservation as it is stored, locked until the end of the transaction. */
export interface StoredReservation {
  readonly orderId: string;
  readonly reservation: Reservation;
  /** How many events about the order were sent. */
  readonly version: number;
  readonly expiresAt: Date | undefined;
  /** The event of the order that was handled last. */
  readonly causedBy: string | undefined;
  readonly origin: Origin;
}

const COLUMNS =
  'order_id, status, is_confirmed, is_cancelled, ordered, expires_at, version, caused_by, correlation_id, traceparent';

/** What an order holds, locked; made where nothing was known of it. A transaction takes this lock first, and those of stock after it. */
export async function lockReservation(transaction: Queryable, orderId: string): Promise<StoredReservation> {
  // The update changes nothing: it locks the row that is there, and returns it.
  const { rows } = await transaction.query<ReservationRow>(
    `insert into reservations (order_id, status) values ($1, 'expected')
     on conflict (order_id) do update set order_id = excluded.order_id returning ${COLUMNS}`,
    [orderId],
  );
  return stored(transaction, rows[0] as ReservationRow);
}

/** One that has been held for too long and that nobody else has in hand, locked. */
export async function lockExpired(transaction: Queryable, now: Date): Promise<StoredReservation | undefined> {
  const { rows } = await transaction.query<ReservationRow>(
    `select ${COLUMNS} from reservations where status = 'held' and expires_at <= $1
     order by expires_at limit 1 for update skip locked`,
    [now],
  );
  return rows[0] && stored(transaction, rows[0]);
}

interface ReservationRow {
  readonly order_id: string;
  readonly status: Reservation['status'];
  readonly is_confirmed: boolean;
  readonly is_cancelled: boolean;
  readonly ordered: Ordered | null;
  readonly expires_at: Date | null;
  readonly version: number;
  readonly caused_by: string | null;
  readonly correlation_id: string | null;
  readonly traceparent: string | null;
}

async function stored(transaction: Queryable, row: ReservationRow): Promise<StoredReservation> {
  return {
    orderId: row.order_id,
    reservation: {
      status: row.status,
      isConfirmed: row.is_confirmed,
      isCancelled: row.is_cancelled,
      ordered: row.ordered ?? undefined,
      taken: row.status === 'held' || row.status === 'committed' ? await takenBy(transaction, row.order_id) : [],
    },
    version: row.version,
    expiresAt: row.expires_at ?? undefined,
    causedBy: row.caused_by ?? undefined,
    origin: { correlationid: row.correlation_id ?? undefined, traceparent: row.traceparent ?? undefined },
  };
}

async function takenBy(transaction: Queryable, orderId: string): Promise<Pieces[]> {
  const { rows } = await transaction.query<{ productId: string; qty: number }>(
    'select product_id as "productId", qty from reserved_pieces where order_id = $1 order by product_id',
    [orderId],
  );
  return rows;
}

export interface Cause {
  readonly at: Date;
  /** Until when it is held, should it be held from now on. */
  readonly holdUntil: Date;
  readonly causationId: string | undefined;
  readonly origin: Origin;
}

/** Writes what was decided, and puts the events of it into the outbox. */
export async function saveDecision(
  transaction: Queryable,
  before: StoredReservation,
  { next, changes, event }: Decision,
  cause: Cause,
): Promise<void> {
  const { orderId, origin } = before;
  const version = before.version + (event ? 1 : 0);
  const isNewlyHeld = before.reservation.status !== 'held' && next.status === 'held';
  await transaction.query(
    `update reservations set status = $2, is_confirmed = $3, is_cancelled = $4, ordered = $5, expires_at = $6, version = $7,
       caused_by = $8, correlation_id = $9, traceparent = $10 where order_id = $1`,
    [
      orderId,
      next.status,
      next.isConfirmed,
      next.isCancelled,
      next.ordered ?? null,
      (isNewlyHeld ? cause.holdUntil : before.expiresAt) ?? null,
      version,
      cause.causationId ?? before.causedBy ?? null,
      origin.correlationid ?? cause.origin.correlationid ?? null,
      origin.traceparent ?? cause.origin.traceparent ?? null,
    ],
  );
  if (before.reservation.taken !== next.taken) await saveTaken(transaction, orderId, next.taken);
  const envelope = {
    service: 'inventory',
    at: cause.at,
    causationId: cause.causationId,
    origin: cause.origin,
  } as const;
  const events: EncodedEvent[] = [];
  if (event) {
    const about = { ...envelope, subject: orderId, aggregateVersion: version };
    const reserved = { ...(next.ordered as Ordered), expiresAt: cause.holdUntil.toISOString() };
    if (event.type === 'stock_reserved') events.push(encodeEvent({ ...about, type: event.type, data: reserved }));
    else events.push(encodeEvent({ ...about, ...event }));
  }
  for (const change of await changeStock(transaction, changes)) {
    const { productId: subject, version: aggregateVersion, ...data } = change;
    events.push(
      encodeEvent({ ...envelope, type: 'stock_events', subject, aggregateVersion, data: { ...data, orderId } }),
    );
  }
  if (events.length > 0) await appendToOutbox(transaction, events);
}

async function saveTaken(transaction: Queryable, orderId: string, taken: readonly Pieces[]): Promise<void> {
  await transaction.query('delete from reserved_pieces where order_id = $1', [orderId]);
  if (taken.length === 0) return;
  await transaction.query(
    'insert into reserved_pieces (order_id, product_id, qty) select $1, * from unnest($2::text[], $3::int[])',
    [orderId, taken.map(({ productId }) => productId), taken.map(({ qty }) => qty)],
  );
}
