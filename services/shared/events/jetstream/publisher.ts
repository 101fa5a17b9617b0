import { jetstream, jetstreamManager, type JetStreamClient } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { STREAMS, streamOf } from '@orderplane/contracts/topics.ts';
import type { EncodedEvent, EventPublisher } from '../bus.ts';
import type { Connection } from './connection.ts';
import { ensureSubjects } from './streams.ts';

const ACK_TIMEOUT_MS = 5000;

export function jetStreamPublisher(connection: Connection, closing: AbortSignal): EventPublisher {
  // Streams are looked at once a connection, and again after a publish failed: the broker may have lost its disk.
  let ensured = new Map<string, Promise<JetStreamClient>>();
  connection.onReconnect(() => (ensured = new Map()));

  const clientFor = (stream: string): Promise<JetStreamClient> => {
    const known = ensured.get(stream);
    if (known) return known;
    const client = connection.ready(closing).then((live) => clientWithStream(live, stream));
    ensured.set(stream, client);
    return client;
  };

  return {
    ready: async (signal) => void (await connection.ready(signal)),
    async publish({ id, topic, json }: EncodedEvent) {
      const stream = streamOf(topic);
      try {
        const client = await clientFor(stream);
        await client.publish(topic, json, { msgID: id, timeout: ACK_TIMEOUT_MS, expect: { streamName: stream } });
      } catch (error) {
        ensured.delete(stream);
        throw error;
      }
    },
  };
}

async function clientWithStream(connection: NatsConnection, stream: string): Promise<JetStreamClient> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  await ensureSubjects(manager, stream, STREAMS[stream] ?? []);
  return jetstream(connection);
}
