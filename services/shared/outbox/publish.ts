import type { Topic } from '@orderplane/contracts/topics.ts';
import type { EventPublisher } from '../events/bus.ts';
import type { Prepared, Queryable } from '../postgres.ts';

/** Events of one round. */
export const BATCH = 200;

const OLDEST: Prepared = {
  name: 'oldest in the outbox',
  text: `select position, event_id as id, topic, event as json from outbox order by position limit ${BATCH}`,
};
const DELETE: Prepared = {
  name: 'delete from the outbox',
  text: 'delete from outbox where position = any($1::bigint[])',
};

interface Row {
  readonly position: string;
  readonly id: string;
  readonly topic: Topic;
  readonly json: string;
}

/**
 * Publishes one batch and deletes what was stored. Rows are deleted, not skipped by a remembered position: one that was
 * numbered early and committed late is found all the same. Throws when any was not stored, after deleting and telling of the others.
 */
export async function publishPending(
  database: Queryable,
  publisher: EventPublisher,
  published: (topic: Topic) => void = () => undefined,
): Promise<number> {
  const { rows } = await database.query<Row>(OLDEST);
  if (rows.length === 0) return 0;
  const results = await Promise.allSettled(rows.map((row) => publisher.publish(row)));
  const stored = rows.filter((_row, index) => results[index]?.status === 'fulfilled');
  if (stored.length > 0) {
    await database.query({ ...DELETE, values: [stored.map((row) => row.position)] });
    for (const { topic } of stored) published(topic);
  }
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
  return rows.length;
}
