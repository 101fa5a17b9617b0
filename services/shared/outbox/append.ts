import type { EncodedEvent } from '../events/bus.ts';
import type { Queryable } from '../postgres.ts';

/**
 * Puts events into the outbox within the caller's transaction: they are published if, and only if, it commits.
 * The table `outbox(position, event_id, topic, event, created_at)` comes with the service's migrations.
 */
export async function appendToOutbox(transaction: Queryable, events: readonly EncodedEvent[]): Promise<void> {
  await transaction.query(
    `insert into outbox (event_id, topic, event)
     select * from unnest($1::uuid[], $2::text[], $3::text[])`,
    [events.map(({ id }) => id), events.map(({ topic }) => topic), events.map(({ json }) => json)],
  );
}
