import {
  type ConsumerConfig,
  type JetStreamManager,
  type StreamConfig,
  AckPolicy,
  DeliverPolicy,
  RetentionPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  StorageType,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';

/**
 * After so long without a sign of life, what a consumer had in hand is delivered again: how long the work stands that a killed process held. Well
 * below the time in which orders expects an answer of stock.
 */
export const ACK_WAIT_MS = 10_000;

/** Makes the stream where it is missing; safe for several at once, as they all ask for the same. */
export async function ensureStream(
  manager: JetStreamManager,
  name: string,
  subjects: readonly string[],
): Promise<StreamConfig> {
  try {
    return (await manager.streams.info(name)).config;
  } catch (error) {
    if (!(error instanceof JetStreamApiError) || error.code !== JetStreamApiCodes.StreamNotFound) throw error;
    const { config } = await manager.streams.add({
      name,
      subjects: [...subjects],
      storage: StorageType.File,
      retention: RetentionPolicy.Limits,
    });
    return config;
  }
}

/** Adds what a newer release publishes to a stream that an older one made. Subjects that are there stay. */
export async function ensureSubjects(
  manager: JetStreamManager,
  name: string,
  subjects: readonly string[],
): Promise<void> {
  const config = await ensureStream(manager, name, subjects);
  const missing = subjects.filter((subject) => !config.subjects.includes(subject));
  if (missing.length > 0) await manager.streams.update(name, { ...config, subjects: [...config.subjects, ...missing] });
}

/**
 * Makes or updates a durable consumer. The broker never gives up on a message by itself (no `max_deliver`): it would drop it with an
 * advisory only, while the consumer writes it to the dead letters first.
 */
export async function ensureConsumer(
  manager: JetStreamManager,
  stream: string,
  { name, topics, concurrency }: { name: string; topics: readonly string[]; concurrency: number },
): Promise<void> {
  const config: Partial<ConsumerConfig> = {
    durable_name: name,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.All,
    ack_wait: nanos(ACK_WAIT_MS),
    max_ack_pending: concurrency,
    filter_subjects: [...topics],
  };
  await manager.consumers.add(stream, config);
}
