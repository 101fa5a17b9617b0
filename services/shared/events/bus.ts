import type { EventOf } from '@orderplane/contracts/events.ts';
import type { Topic } from '@orderplane/contracts/topics.ts';

/**
 * The broker, as services see it. Delivery is at least once and nearly in order; that an event has its effect once is up to its
 * consumer, by the event's id. An adapter is held to `bus-conformance.ts`, and reconnects without end.
 */
export interface EventBus {
  readonly publisher: EventPublisher;
  /** Starts to consume; returns at once. */
  consume<T extends Topic>(subscription: Subscription<T>): void;
  /**
   * Reads all that the broker holds of the topics (of one stream) once more, from the beginning, beside the consumer of that name. One replay of a
   * name at a time: a second one ends the first. Rejects when the broker no longer holds the beginning.
   */
  replay<T extends Topic>(options: { name: string; topics: readonly T[] }): Promise<Replay<T>>;
  /** Rejects while there is no connection. For readiness. */
  check(): Promise<void>;
  /** Finishes the events in hand, and leaves. */
  close(): Promise<void>;
}

export interface Replay<T extends Topic> {
  /**
   * Handles, in order for each subject, what has come since the last call; resolves with the number of events when nothing is left. Rejects with
   * what `handle` throws, and when the broker was lost: a replay is then begun anew.
   */
  catchUp(handle: (event: EventOf<T>) => Promise<void>): Promise<number>;
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

export interface Subscription<T extends Topic = Topic> {
  /**
   * Names the consumer of a stream for good: instances of the same name share the work, and go on where it was left. A service that consumes
   * several streams subscribes once to each.
   */
  readonly name: string;
  /** All of one stream. */
  readonly topics: readonly T[];
  /**
   * Handles one event; at any time there is one in hand for each subject (order). What it throws decides:
   * an unavailable dependency is waited out with the event in hand; anything else counts against the event, which
   * ends in the dead letters after `maxDeliveries`.
   */
  handle(event: EventOf<T>): Promise<Handled>;
  /** Hands over the events of a subject in order, but does not wait for the end of one before the next: for who stores them in that order, or says `early`. */
  readonly pipelined?: boolean;
  readonly maxDeliveries?: number;
  /** Events in hand at a time. */
  readonly concurrency?: number;
}

/** `early`: what this event builds on has not arrived; it is delivered again a little later, and counts as a failed delivery. */
export type Handled = 'done' | 'early';
