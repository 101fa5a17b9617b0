import { upcast } from '@orderplane/contracts/events.ts';
import { batching } from '@orderplane/shared/batching.ts';
import { CodedError, isUnavailable } from '@orderplane/shared/errors.ts';
import { type Pool, query } from '@orderplane/shared/postgres.ts';
import { APPEND, appendValues, pendingAppend, type PendingAppend } from './append-statement.ts';
import type { Append, Appended, EventStore, ForeignEvent, LoadedOrder, StoredEvent } from './event-store.ts';
import type { OrderEvent } from './events.ts';
import { type Order, order, ORDER_SHAPE } from './order.ts';

/** Two, so that one is sent while the disk is busy with the other. */
const LANES = 2;
const MAX_APPENDS = 64;

export interface EventStoreOptions {
  /** After how many events an order's state is stored beside them. */
  readonly snapshotInterval: number;
}

/** Appends that come at the same time are committed together. */
export function postgresEventStore(pool: Pool, { snapshotInterval }: EventStoreOptions): EventStore {
  const append = batching<PendingAppend, Appended>({ maxItems: MAX_APPENDS, lanes: LANES }, (pending) =>
    appendAll(pool, pending),
  );
  return {
    append: (given) => append(pendingAppend(given, snapshotInterval)),
    load: (orderId) => load(pool, orderId),
    async history(orderId) {
      const rows = await query<EventRow>(pool, 'select * from events where stream_id = $1 order by version', [orderId]);
      return rows.map(storedEvent);
    },
    async findByIdempotencyKey(key) {
      const rows = await query<{ stream_id: string }>(pool, 'select stream_id from events where idempotency_key = $1', [
        key,
      ]);
      return rows[0]?.stream_id;
    },
  };
}

type Result = PromiseSettledResult<Appended>;

/**
 * What is wrong with one of them breaks the statement for all: then each half is tried by itself, so that it is found in a few steps and the
 * others are stored.
 */
async function appendAll(pool: Pool, pending: readonly PendingAppend[]): Promise<Result[]> {
  try {
    const rows = await query<{ append: number }>(pool, APPEND, appendValues(pending));
    const stored = new Set(rows.map((row) => row.append));
    return await Promise.all(
      pending.map(async (each, index) => (stored.has(index) ? appended : refusalOf(pool, each.append, undefined))),
    );
  } catch (error) {
    const [only, ...others] = pending;
    // A database that is away has nothing to do with any one of them.
    if (isUnavailable(error) || !only) throw error;
    if (others.length === 0) {
      return [isContention(error) ? await refusalOf(pool, only.append, error) : { status: 'rejected', reason: error }];
    }
    const half = Math.ceil(pending.length / 2);
    return [
      ...(await appendAll(pool, pending.slice(0, half))),
      ...(await appendAll(pool, pending.slice(half)).catch(allRejected(pending.length - half))),
    ];
  }
}

const appended: Result = { status: 'fulfilled', value: 'appended' };

/** The first half is stored by then, and must not be told that it failed. */
function allRejected(count: number) {
  return (reason: unknown): Result[] => Array.from({ length: count }, () => ({ status: 'rejected', reason }));
}

/** unique_violation, and deadlock_detected between batches of two processes that have appends in common. */
function isContention(error: unknown): boolean {
  return Error.isError(error) && 'code' in error && (error.code === '23505' || error.code === '40P01');
}

/** Why an append was not stored: it is already, or the order has moved on. */
async function refusalOf(pool: Pool, { events, idempotencyKey }: Append, cause: unknown): Promise<Result> {
  const rows = await query<{ known: boolean }>(
    pool,
    `select count(*) filter (where event_id = any($1::uuid[])) = $2 or count(*) filter (where idempotency_key = $3) > 0 as known
     from events where event_id = any($1::uuid[]) or idempotency_key = $3`,
    [events.map(({ id }) => id), events.length, idempotencyKey ?? null],
  );
  if (rows[0]?.known) return { status: 'fulfilled', value: 'known' };
  return { status: 'rejected', reason: new CodedError('CONFLICT', { cause }) };
}

type LoadedRow = EventRow | { readonly state: Order; readonly version: number; readonly recorded_at: Date };

async function load(pool: Pool, orderId: string): Promise<LoadedOrder> {
  const rows = await query<LoadedRow>(
    pool,
    `with latest as materialized (select version, state, recorded_at from snapshots where stream_id = $1 and shape = $2)
     select version, recorded_at, state, null as type, null as data, null as schema_version from latest
     union all
     select version, recorded_at, null, type, data, schema_version from events
     where stream_id = $1 and version > coalesce((select version from latest), 0)
     order by version`,
    [orderId, ORDER_SHAPE],
  );
  const state = rows.reduce<Order>(
    (current, row) =>
      'state' in row && row.state !== null ? row.state : order.evolve(current, orderEvent(row as EventRow)),
    order.initial,
  );
  const last = rows.at(-1);
  return { order: state, version: last?.version ?? 0, lastAt: last?.recorded_at };
}

interface EventRow {
  readonly event_id: string;
  readonly version: number;
  readonly type: OrderEvent['type'];
  readonly schema_version: number;
  readonly data: Record<string, unknown>;
  readonly recorded_at: Date;
  readonly causation_id: string | null;
  readonly cause: ForeignEvent | null;
  readonly correlation_id: string | null;
  readonly traceparent: string | null;
}

function orderEvent({ type, schema_version, data }: Pick<EventRow, 'type' | 'schema_version' | 'data'>): OrderEvent {
  return { type, data: upcast(type, schema_version, data).data } as OrderEvent;
}

function storedEvent(row: EventRow): StoredEvent {
  return {
    ...orderEvent(row),
    id: row.event_id,
    version: row.version,
    recordedAt: row.recorded_at,
    causationId: row.causation_id ?? undefined,
    cause: row.cause ?? undefined,
    correlationId: row.correlation_id ?? undefined,
    traceparent: row.traceparent ?? undefined,
  };
}
