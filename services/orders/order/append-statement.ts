import type { PlatformEvent } from '@orderplane/contracts/events.ts';
import type { Prepared } from '@orderplane/shared/postgres.ts';
import { type RequestContext, currentRequest } from '@orderplane/shared/request-context.ts';
import type { Append, NewEvent } from './event-store.ts';
import { SCHEMA_VERSIONS } from './events.ts';
import { ORDER_SHAPE } from './order.ts';

/** An append with the request that it is made for: it may be written together with those of others. */
export interface PendingAppend {
  readonly append: Append;
  readonly request: RequestContext | undefined;
  readonly takesSnapshot: boolean;
}

/** To be called within the request. A snapshot is taken whenever the order passes a multiple of the interval. */
export function pendingAppend(append: Append, snapshotInterval: number): PendingAppend {
  const before = Math.floor(append.expectedVersion / snapshotInterval);
  const after = Math.floor((append.expectedVersion + append.events.length) / snapshotInterval);
  return { append, request: currentRequest(), takesSnapshot: after > before };
}

/**
 * Writes many appends in one statement, and so in one transaction and round trip: events, outbox, snapshots and deadlines. Answers with the
 * indexes of those that were sound; one that builds on a version that is not there is left out. Breaks a unique constraint, and writes
 * nothing, when any of them is stored already or too late. Waits for a concurrent append to the same order that has not committed yet; all go
 * through the orders in the same sequence, so that two of them do not wait for each other.
 */
export const APPEND: Prepared = {
  name: 'append events',
  text: `
    with input as (
      select * from unnest($1::int[], $2::uuid[], $3::int[], $4::int[], $5::uuid[], $6::text[], $7::int[], $8::jsonb[], $9::timestamptz[],
        $10::text[], $11::uuid[], $12::jsonb[], $13::text[], $14::text[], $15::text[])
      as input (append, stream_id, expected, version, event_id, type, schema_version, data, recorded_at,
        idempotency_key, causation_id, cause, correlation_id, traceparent, cloud_event)
    ), sound as (
      select * from input
      where expected = 0 or (select true from events where events.stream_id = input.stream_id and events.version = expected)
    ), stored as (
      insert into events (stream_id, version, event_id, type, schema_version, data, recorded_at,
        idempotency_key, causation_id, cause, correlation_id, traceparent)
      select stream_id, version, event_id, type, schema_version, data, recorded_at,
        idempotency_key, causation_id, cause, correlation_id, traceparent from sound order by stream_id, version
    ), handed_over as (
      insert into outbox (event_id, topic, event) select event_id, type, cloud_event from sound order by stream_id, version
    ), remembered as (
      insert into snapshots (stream_id, version, shape, state, recorded_at)
      select stream_id, version, shape, state, recorded_at
      from unnest($16::int[], $17::uuid[], $18::int[], $19::int[], $20::jsonb[], $21::timestamptz[])
        as snapshot (append, stream_id, version, shape, state, recorded_at)
      where append in (select append from sound)
      on conflict (stream_id) do update set
        version = excluded.version, shape = excluded.shape, state = excluded.state, recorded_at = excluded.recorded_at
    ), awaited as (
      insert into deadlines (stream_id, reason, event_id, due_at)
      select stream_id, reason, event_id, due_at
      from unnest($22::int[], $23::uuid[], $24::text[], $25::uuid[], $26::timestamptz[])
        as deadline (append, stream_id, reason, event_id, due_at)
      where append in (select append from sound)
      on conflict (stream_id) do update set
        reason = excluded.reason, event_id = excluded.event_id, due_at = excluded.due_at
    ), over as (
      delete from deadlines where stream_id in (
        select stream_id from unnest($27::int[], $28::uuid[]) as past (append, stream_id) where append in (select append from sound))
    )
    select distinct append from sound`,
};

export function appendValues(pending: readonly PendingAppend[]): unknown[] {
  const events = pending.flatMap(eventRows);
  const snapshots = pending.flatMap(snapshotRow);
  const deadlines = pending.flatMap(deadlineRow);
  const past = pending.flatMap(({ append }, index) => (append.deadline === 'none' ? [[index, append.orderId]] : []));
  return [...columns(events, 15), ...columns(snapshots, 6), ...columns(deadlines, 5), ...columns(past, 2)];
}

type Row = readonly unknown[];

function columns(rows: readonly Row[], count: number): unknown[][] {
  return Array.from({ length: count }, (_, column) => rows.map((row) => row[column] ?? null));
}

function eventRows({ append, request }: PendingAppend, index: number): Row[] {
  const { orderId, expectedVersion, events, at, idempotencyKey, cause } = append;
  return events.map((event, place) => [
    index,
    orderId,
    expectedVersion,
    expectedVersion + place + 1,
    event.id,
    event.type,
    SCHEMA_VERSIONS[event.type],
    JSON.stringify(event.data),
    at.toISOString(),
    place === 0 ? idempotencyKey : undefined,
    causationOf(append, place),
    typeof cause === 'object' ? JSON.stringify(cause) : undefined,
    request?.correlationId,
    request?.traceparent,
    JSON.stringify(cloudEvent(append, event, { place, request })),
  ]);
}

function snapshotRow({ append, takesSnapshot }: PendingAppend, index: number): Row[] {
  if (!takesSnapshot) return [];
  const { orderId, expectedVersion, events, order, at } = append;
  return [[index, orderId, expectedVersion + events.length, ORDER_SHAPE, JSON.stringify(order), at.toISOString()]];
}

function deadlineRow({ append: { deadline, orderId, events } }: PendingAppend, index: number): Row[] {
  if (deadline === undefined || deadline === 'none') return [];
  return [[index, orderId, deadline.reason, events.at(-1)?.id, deadline.dueAt.toISOString()]];
}

/** What led to an event: what led to the append, or else the first of its events to the others. */
function causationOf({ cause, events }: Append, place: number): string | undefined {
  if (cause !== undefined) return typeof cause === 'string' ? cause : cause.id;
  return place === 0 ? undefined : events[0]?.id;
}

/** The CloudEvent that leaves the service for an event of the append. */
function cloudEvent(
  append: Append,
  { id, type, data }: NewEvent,
  { place, request }: { place: number; request: RequestContext | undefined },
) {
  return {
    specversion: '1.0',
    id,
    source: '/orderplane/orders',
    type,
    subject: append.orderId,
    time: append.at.toISOString(),
    datacontenttype: 'application/json',
    schemaversion: SCHEMA_VERSIONS[type],
    aggregateversion: append.expectedVersion + place + 1,
    causationid: causationOf(append, place),
    correlationid: request?.correlationId,
    traceparent: request?.traceparent,
    data,
  } satisfies Record<keyof PlatformEvent, unknown>;
}
