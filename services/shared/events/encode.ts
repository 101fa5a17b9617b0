import { randomUUIDv7 } from 'node:crypto';
import { type EventOf, platformEvent, type PlatformEvent } from '@orderplane/contracts/events.ts';
import type { Topic } from '@orderplane/contracts/topics.ts';
import { currentRequest, traceIdOf } from '../request-context.ts';
import type { EncodedEvent } from './bus.ts';

/** The request that began it all, as its events carry it on. */
export interface Origin {
  readonly correlationid?: string | undefined;
  readonly traceparent?: string | undefined;
}

export interface EventFacts<T extends Topic> {
  readonly type: T;
  /** The service where it happened. */
  readonly service: string;
  readonly subject: string;
  /** The event's place among those of its service about the subject, from 1. */
  readonly aggregateVersion: number;
  readonly data: EventOf<T>['data'];
  readonly at: Date;
  /** The event that led to it. */
  readonly causationId?: string | undefined;
  readonly origin: Origin;
}

const SCHEMA_VERSIONS = new Map<string, number>(
  platformEvent.options.map(({ shape }) => [shape.type.value, shape.schemaversion.value]),
);

/** A new event as it crosses the broker. */
export function encodeEvent<T extends Topic>(facts: EventFacts<T>): EncodedEvent {
  const id = randomUUIDv7();
  const cloudEvent = {
    specversion: '1.0',
    id,
    source: `/orderplane/${facts.service}`,
    type: facts.type,
    subject: facts.subject,
    time: facts.at.toISOString(),
    datacontenttype: 'application/json',
    schemaversion: SCHEMA_VERSIONS.get(facts.type),
    aggregateversion: facts.aggregateVersion,
    causationid: facts.causationId,
    correlationid: facts.origin.correlationid,
    traceparent: traceparentOf(facts.origin),
    data: facts.data,
  };
  return { id, topic: facts.type, json: JSON.stringify(cloudEvent satisfies Record<keyof PlatformEvent, unknown>) };
}

/** The work in hand, where that is a part of the origin's trace, so that spans nest; else the origin's own. */
function traceparentOf({ traceparent }: Origin): string | undefined {
  const current = currentRequest()?.traceparent;
  if (traceparent === undefined || current === undefined) return traceparent;
  return traceIdOf(current) === traceIdOf(traceparent) ? current : traceparent;
}
