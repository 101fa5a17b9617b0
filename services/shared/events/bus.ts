import type { PlatformEvent } from '@orderplane/contracts/events.ts';
import type { Topic } from '@orderplane/contracts/topics.ts';

/**
 * The broker, as services see it. Delivery is at least once and nearly in order; that an event has its effect once is up to its
 * consumer, by the event's id. An adapter is held to `bus-conformance.ts`, and reconnects without end.
 */
export interface EventBus {
  readonly publisher: EventPublisher;
  /** Starts to consume; returns at once. */
  consume(subscription: Subscription): void;
  /** Rejects while there is no connection. For readiness. */
  check(): Promise<void>;
  /** Finishes the events in hand, and leaves. */
  close(): Promise<void>;
}

export interface EventPublisher {
  /**
   * Resolves when the broker has stored the event for good. Rejects when that is not known: publish it again then, the broker
   * drops most duplicates by the event's id, and consumers the rest. Calls that are made in order are stored in order.
   */
  publish(event: EncodedEvent): Promise<void>;
  /** Resolves once there is a connection to publish on. */
  ready(signal: AbortSignal): Promise<void>;
}

/** An event as it crosses the broker: CloudEvents JSON. */
export interface EncodedEvent {
  readonly id: string;
  readonly topic: Topic;
  readonly json: string;
}

export interface Subscription {
  /** Names the consumer for good: instances of the same name share the work, and go on where it was left. */
  readonly name: string;
  readonly topics: readonly Topic[];
  /**
   * Handles one event; at any time there is one in hand for each subject (order). What it throws decides:
   * an unavailable dependency is waited out with the event in hand; anything else counts against the event, which
   * ends in the dead letters after `maxDeliveries`.
   */
  handle(event: PlatformEvent): Promise<Handled>;
  readonly maxDeliveries?: number;
  /** Events in hand at a time. */
  readonly concurrency?: number;
}

/** `early`: what this event builds on has not arrived; it is delivered again a little later, and counts as a failed delivery. */
export type Handled = 'done' | 'early';
