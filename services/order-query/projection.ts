import type { PlatformEvent } from '@orderplane/contracts/events.ts';
import type { Topic } from '@orderplane/contracts/topics.ts';
import type { Change } from './read-model.ts';

export const PROJECTED_TOPICS: readonly Topic[] = ['order_created', 'order_confirmed', 'order_cancelled'];

/** What an event means for the read model. */
export function changeOf(event: PlatformEvent): Change {
  const { subject: id, aggregateversion: version } = event;
  switch (event.type) {
    case 'order_created':
      return {
        kind: 'create',
        order: { id, ...event.data, status: 'PENDING', version, createdAt: new Date(event.time) },
      };
    case 'order_confirmed':
      return { kind: 'advance', id, version, status: 'CONFIRMED' };
    case 'order_cancelled':
      return { kind: 'advance', id, version, status: 'CANCELLED' };
  }
}
