import { jetstream, jetstreamManager, type ConsumerMessages } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { DEAD_LETTER_STREAM, STREAMS, streamOf } from '@orderplane/contracts/topics.ts';
import { backoffMs, pause } from '../../backoff.ts';
import { type Logger, troubleLog } from '../../log.ts';
import type { Subscription } from '../bus.ts';
import type { Connection } from './connection.ts';
import type { Delivery } from './delivery.ts';
import { ensureConsumer, ensureStream } from './streams.ts';

const RESTART = { firstMs: 100, maxMs: 2000 };
const IDLE_HEARTBEAT_MS = 5000;

/**
 * Pulls messages until `stopping`, from a stream and a durable consumer that are made where they are missing. After every
 * reconnect it begins anew: a pull request that was open when the broker went down is answered by nobody.
 */
export function startConsumption(
  connection: Connection,
  subscription: Omit<Subscription, 'handle'>,
  options: { delivery: Delivery; log: Logger; stopping: AbortSignal },
): { stopped: Promise<void> } {
  const { delivery, log, stopping } = options;
  const concurrency = subscription.concurrency ?? 64;
  const state = troubleLog(log, `consuming as ${subscription.name}`);

  const pullOnce = async () => {
    const live = await connection.ready(stopping);
    const messages = await openConsumer(live, subscription, concurrency);
    const end = () => void messages.close();
    const forget = connection.onReconnect(end);
    stopping.addEventListener('abort', end);
    try {
      if (stopping.aborted) end();
      state.fine();
      for await (const message of messages) delivery.accept(message, live);
    } finally {
      forget();
      stopping.removeEventListener('abort', end);
    }
  };
  const pullForever = async () => {
    for (let failures = 0; !stopping.aborted;) {
      try {
        await pullOnce();
        failures = 0;
      } catch (error) {
        if (stopping.aborted) break;
        failures += 1;
        state.trouble(error);
        await pause(backoffMs(RESTART, failures), stopping);
      }
    }
    await delivery.idle();
  };
  return { stopped: pullForever() };
}

async function openConsumer(
  connection: NatsConnection,
  { name, topics }: Pick<Subscription, 'name' | 'topics'>,
  concurrency: number,
): Promise<ConsumerMessages> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const streams = new Set(topics.map(streamOf));
  const [stream] = streams;
  if (stream === undefined || streams.size > 1) throw new Error(`${name} must consume topics of one stream`);
  await ensureStream(manager, DEAD_LETTER_STREAM.name, DEAD_LETTER_STREAM.subjects);
  await ensureStream(manager, stream, STREAMS[stream] ?? []);
  await ensureConsumer(manager, stream, { name, topics, concurrency });
  const consumer = await jetstream(connection).consumers.get(stream, name);
  return consumer.consume({
    max_messages: concurrency,
    idle_heartbeat: IDLE_HEARTBEAT_MS,
    abort_on_missing_resource: true,
  });
}
