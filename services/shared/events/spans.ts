import type { PlatformEvent } from '@orderplane/contracts/events.ts';
import { ORDER_ID, type Span, type SpanOptions, type Tracing } from '../telemetry/span.ts';
import type { EncodedEvent } from './bus.ts';

/** What goes with an event's message rather than in it: the span that sent it, which the event itself, stored before, cannot know. */
export const TRACEPARENT = 'traceparent';

/** The sending of an event, as a part of what led to it. */
export function startPublishSpan(tracing: Tracing | undefined, { id, topic, json }: EncodedEvent): Span | undefined {
  if (!tracing) return undefined;
  const event = JSON.parse(json) as PlatformEvent;
  return tracing.start({ ...eventSpan('publish', { ...event, id, type: topic }), parent: event.traceparent });
}

/** An event in somebody's hands. All but those of stock are about an order. */
export function eventSpan(
  operation: 'publish' | 'process',
  { id, type, subject }: Pick<PlatformEvent, 'id' | 'type' | 'subject'>,
): SpanOptions {
  const attributes = {
    'messaging.system': 'nats',
    'messaging.operation.name': operation,
    'messaging.destination.name': type,
    'messaging.message.id': id,
    ...(type === 'stock_events' ? {} : { [ORDER_ID]: subject }),
  };
  return { name: `${operation} ${type}`, kind: operation === 'process' ? 'consumer' : 'producer', attributes };
}
