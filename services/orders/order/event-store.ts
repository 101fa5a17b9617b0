import type { Order, DeadlineReason } from './order.ts';
import type { OrderEvent } from './events.ts';

/** An event with what makes it one of a kind. */
export type NewEvent = OrderEvent & { readonly id: string };

/** An event as it was stored; `causationId` is the event that led to it, and `cause` what is known of that one when it is another service's. */
export type StoredEvent = OrderEvent & {
  readonly id: string;
  readonly version: number;
  readonly recordedAt: Date;
  readonly causationId?: string | undefined;
  readonly cause?: ForeignEvent | undefined;
  readonly correlationId?: string | undefined;
  readonly traceparent?: string | undefined;
};

/** What an order's trace tells of another service's event. */
export interface ForeignEvent {
  readonly id: string;
  readonly type: string;
  readonly source: string;
  readonly time: string;
  readonly causationId?: string | undefined;
  readonly detail?: string | undefined;
}

/** What led to an append: an event of the order itself by its id, or another service's. */
export type Cause = string | ForeignEvent;

export interface Append {
  readonly orderId: string;
  /** How many events the order had when the decision was taken. */
  readonly expectedVersion: number;
  readonly events: readonly NewEvent[];
  /** The order after the events. */
  readonly order: Order;
  readonly at: Date;
  /** Ties the append to its first use: a second one with the same key stores nothing. */
  readonly idempotencyKey?: string | undefined;
  readonly cause?: Cause | undefined;
  /** What the order waits for from here on. Absent: for the same as before. */
  readonly deadline?: { readonly reason: DeadlineReason; readonly dueAt: Date } | 'none' | undefined;
}

/** `known`: these very events, or others under the same idempotency key, are stored already; nothing was written. */
export type Appended = 'appended' | 'known';

export interface LoadedOrder {
  readonly order: Order;
  /** How many events it has. */
  readonly version: number;
  /** When the last of them was stored. */
  readonly lastAt?: Date | undefined;
}

export interface EventStore {
  /** Stores all of the events, and hands them to the outbox, or nothing. Throws CONFLICT when the order has moved on. */
  append(append: Append): Promise<Appended>;
  /** The order as it is now: from its snapshot, where there is one, and the events since. */
  load(orderId: string): Promise<LoadedOrder>;
  /** All of its events, oldest first. */
  history(orderId: string): Promise<StoredEvent[]>;
  /** The order of the append that first used the key. */
  findByIdempotencyKey(key: string): Promise<string | undefined>;
}
