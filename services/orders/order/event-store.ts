import type { PlatformEvent } from '@orderplane/contracts/events.ts';
import { CodedError } from '@orderplane/shared/errors.ts';
import { appendToOutbox } from '@orderplane/shared/outbox/append.ts';
import type { EncodedEvent } from '@orderplane/shared/events/bus.ts';
import { inTransaction, type Pool, query } from '@orderplane/shared/postgres.ts';
import { currentRequest } from '@orderplane/shared/request-context.ts';
import type { OrderEvent } from './order.ts';

/** An event with what makes it one of a kind. */
export type NewEvent = OrderEvent & { readonly id: string };

/** An event as it was stored. */
export type StoredEvent = OrderEvent & { readonly id: string; readonly version: number; readonly recordedAt: Date };

export interface Append {
  readonly orderId: string;
  /** How many events the order had when the decision was taken. */
  readonly expectedVersion: number;
  readonly events: readonly NewEvent[];
  readonly at: Date;
  /** Ties the append to its first use: a second one with the same key stores nothing. */
  readonly idempotencyKey?: string | undefined;
}

/** `known`: these very events, or others under the same idempotency key, are stored already; nothing was written. */
export type Appended = 'appended' | 'known';

export interface EventStore {
  /** Stores all of the events, and hands them to the outbox, or nothing. Throws CONFLICT when the order has moved on. */
  append(append: Append): Promise<Appended>;
  load(orderId: string): Promise<StoredEvent[]>;
  /** The events of the append that first used the key. */
  loadByIdempotencyKey(key: string): Promise<{ orderId: string; events: StoredEvent[] } | undefined>;
}

export function postgresEventStore(pool: Pool): EventStore {
  const load = async (orderId: string) => {
    const rows = await query<EventRow>(
      pool,
      'select event_id, version, type, data, recorded_at from events where stream_id = $1 order by version',
      [orderId],
    );
    return rows.map(storedEvent);
  };
  return {
    load,
    async append(append) {
      try {
        await inTransaction(pool, async (transaction) => {
          const { rowCount } = await transaction.query(INSERT, insertValues(append));
          if (rowCount !== append.events.length) throw new CodedError('CONFLICT');
          await appendToOutbox(
            transaction,
            append.events.map((event, index) => encoded(append, event, index)),
          );
        });
        return 'appended';
      } catch (error) {
        const isConflict = error instanceof CodedError && error.code === 'CONFLICT';
        if (isConflict && (await isKnown(pool, append))) return 'known';
        throw error;
      }
    },
    async loadByIdempotencyKey(key) {
      const rows = await query<{ stream_id: string }>(pool, 'select stream_id from events where idempotency_key = $1', [
        key,
      ]);
      return rows[0] && { orderId: rows[0].stream_id, events: await load(rows[0].stream_id) };
    },
  };
}

// Rows that are there already are left out, and so is everything after a version that never was: the count tells. Waits for a
// concurrent append that has not committed yet.
const INSERT = `
  insert into events (stream_id, version, event_id, type, data, recorded_at, idempotency_key)
  select $1, $2::int + ordinality, event_id, type, data, $3, case when ordinality = 1 then $4 end
  from unnest($5::uuid[], $6::text[], $7::jsonb[]) with ordinality as event (event_id, type, data, ordinality)
  where $2 = 0 or exists (select from events where stream_id = $1 and version = $2)
  on conflict do nothing`;

function insertValues({ orderId, expectedVersion, events, at, idempotencyKey }: Append): unknown[] {
  return [
    orderId,
    expectedVersion,
    at,
    idempotencyKey ?? null,
    events.map(({ id }) => id),
    events.map(({ type }) => type),
    events.map(({ data }) => JSON.stringify(data)),
  ];
}

async function isKnown(pool: Pool, { events, idempotencyKey }: Append): Promise<boolean> {
  const rows = await query<{ known: boolean }>(
    pool,
    `select count(*) filter (where event_id = any($1::uuid[])) = $2 or count(*) filter (where idempotency_key = $3) > 0 as known
     from events where event_id = any($1::uuid[]) or idempotency_key = $3`,
    [events.map(({ id }) => id), events.length, idempotencyKey ?? null],
  );
  return rows[0]?.known ?? false;
}

/** The CloudEvent that leaves the service for an event of the append. */
function encoded({ orderId, expectedVersion, at }: Append, event: NewEvent, index: number): EncodedEvent {
  const request = currentRequest();
  const cloudEvent = {
    specversion: '1.0',
    id: event.id,
    source: '/orderplane/orders',
    type: event.type,
    subject: orderId,
    time: at.toISOString(),
    datacontenttype: 'application/json',
    schemaversion: 1,
    aggregateversion: expectedVersion + index + 1,
    correlationid: request?.correlationId,
    traceparent: request?.traceparent,
    data: event.data,
  };
  return {
    id: event.id,
    topic: event.type,
    json: JSON.stringify(cloudEvent satisfies Record<keyof PlatformEvent, unknown>),
  };
}

interface EventRow {
  readonly event_id: string;
  readonly version: number;
  readonly type: OrderEvent['type'];
  readonly data: unknown;
  readonly recorded_at: Date;
}

function storedEvent(row: EventRow): StoredEvent {
  const event = { type: row.type, data: row.data } as OrderEvent;
  return { ...event, id: row.event_id, version: row.version, recordedAt: row.recorded_at };
}
