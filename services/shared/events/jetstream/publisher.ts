import { jetstream, jetstreamManager, type JetStreamClient } from '@nats-io/jetstream';
import { headers, type NatsConnection } from '@nats-io/transport-node';
import { STREAMS, streamOf } from '@orderplane/contracts/topics.ts';
import type { Span, Tracing } from '../../telemetry/span.ts';
import type { EncodedEvent, EventPublisher } from '../bus.ts';
import { startPublishSpan, TRACEPARENT } from '../spans.ts';
import type { Connection } from './connection.ts';
import { ensureSubjects } from './streams.ts';

const ACK_TIMEOUT_MS = 5000;

export function jetStreamPublisher(
  connection: Connection,
  { tracing, closing }: { tracing: Tracing | undefined; closing: AbortSignal },
): EventPublisher {
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
    async publish(event: EncodedEvent) {
      const { id, topic, json } = event;
      const stream = streamOf(topic);
      const span = startPublishSpan(tracing, event);
      try {
        const client = await clientFor(stream);
        const expect = { streamName: stream };
        await client.publish(topic, json, { msgID: id, timeout: ACK_TIMEOUT_MS, expect, ...headersOf(span) });
        span?.end();
      } catch (error) {
        ensured.delete(stream);
        span?.end(error);
        throw error;
      }
    },
  };
}

function headersOf(span: Span | undefined) {
  if (!span) return {};
  const about = headers();
  about.set(TRACEPARENT, span.traceparent);
  return { headers: about };
}

async function clientWithStream(connection: NatsConnection, stream: string): Promise<JetStreamClient> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  await ensureSubjects(manager, stream, STREAMS[stream] ?? []);
  return jetstream(connection);
}
