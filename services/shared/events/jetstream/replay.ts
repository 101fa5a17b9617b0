import {
  type Consumer,
  type JsMsg,
  AckPolicy,
  DeliverPolicy,
  jetstream,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { EventOf } from '@orderplane/contracts/events.ts';
import { STREAMS, streamOf, type Topic } from '@orderplane/contracts/topics.ts';
import type { Logger } from '../../log.ts';
import type { Replay } from '../bus.ts';
import type { Connection } from './connection.ts';
import { decode } from './decode.ts';

const BATCH = 500;
const FETCH_MS = 2000;
const FORGOTTEN_AFTER_MS = 60_000;

/** The consumer by which a service reads a stream again: beside its durable one, whose place it does not touch. */
export function replayConsumer(service: string): string {
  return `${service}-replay`;
}

export async function openReplay<T extends Topic>(
  connection: Connection,
  { name, topics }: { name: string; topics: readonly T[] },
  { log, closing }: { log: Logger; closing: AbortSignal },
): Promise<Replay<T>> {
  const live = await connection.ready(closing);
  const manager = await jetstreamManager(live, { checkAPI: false });
  const stream = Object.keys(STREAMS).find((each) => topics.every((topic) => streamOf(topic) === each));
  if (stream === undefined) throw new Error(`${name} must replay topics of one stream`);
  const consumerName = replayConsumer(name);
  await startAnew(manager, stream, consumerName, topics);
  const consumer = await jetstream(live).consumers.get(stream, consumerName);
  const seen = { deliveries: 0 };

  return {
    async catchUp(handle) {
      let handled = 0;
      for (;;) {
        const { num_pending: pending } = await consumer.info();
        if (pending === 0) return handled;
        const batch = await nextBatch(consumer, seen);
        await handleInOrder(eventsOf<T>(batch, log), handle);
        handled += batch.length;
        log.info({ progress: `${handled} events, ${pending - batch.length} to go` }, 'replaying');
      }
    },
    close: async () => void (await manager.consumers.delete(stream, consumerName).catch(() => undefined)),
  };
}

async function startAnew(
  manager: JetStreamManager,
  stream: string,
  name: string,
  topics: readonly string[],
): Promise<void> {
  const { state } = await manager.streams.info(stream);
  if (state.first_seq > 1) {
    throw new Error(
      `the stream ${stream} begins at message ${state.first_seq}: what came before it is gone, and a replay would lose it`,
    );
  }
  await manager.consumers.delete(stream, name).catch((error: unknown) => {
    const isMissing = error instanceof JetStreamApiError && error.code === JetStreamApiCodes.ConsumerNotFound;
    if (!isMissing) throw error;
  });
  await manager.consumers.add(stream, {
    durable_name: name,
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.All,
    filter_subjects: [...topics],
    inactive_threshold: nanos(FORGOTTEN_AFTER_MS),
  });
}

/** Nothing is acknowledged, so that a message which was lost on its way is not sent again: a gap in the deliveries tells. */
async function nextBatch(consumer: Consumer, seen: { deliveries: number }): Promise<JsMsg[]> {
  const batch: JsMsg[] = [];
  for await (const message of await consumer.fetch({ max_messages: BATCH, expires: FETCH_MS })) {
    seen.deliveries += 1;
    if (message.info.deliverySequence !== seen.deliveries) {
      throw new Error('the connection to the broker was lost during the replay: start it again');
    }
    batch.push(message);
  }
  return batch;
}

/** What consumers put into the dead letters is left out here too. */
function eventsOf<T extends Topic>(batch: readonly JsMsg[], log: Logger): EventOf<T>[] {
  return batch.flatMap((message) => {
    const event = decode(message);
    if (!('fault' in event)) return [event as EventOf<T>];
    log.warn({ seq: message.seq, topic: message.subject, reason: event.fault }, 'a message is left out');
    return [];
  });
}

/** Events about the same subject one after the other, those about different ones side by side. */
async function handleInOrder<T extends Topic>(
  events: readonly EventOf<T>[],
  handle: (event: EventOf<T>) => Promise<void>,
): Promise<void> {
  const bySubject = Map.groupBy(events, ({ subject }) => subject);
  await Promise.all(
    [...bySubject.values()].map(async (ofSubject) => {
      for (const event of ofSubject) await handle(event);
    }),
  );
}
