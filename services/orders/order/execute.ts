import { CodedError } from '@orderplane/shared/errors.ts';
import { annotate, inSpan, ORDER_ID } from '@orderplane/shared/telemetry/span.ts';
import type { OrdersMetrics } from '../metrics.ts';
import type { OrderCommand } from './decide.ts';
import type { Append, Appended, EventStore, LoadedOrder, NewEvent } from './event-store.ts';
import type { OrderEvent } from './events.ts';
import { type DeadlineReason, deadlineOf, type Order, order } from './order.ts';

const ATTEMPTS = 5;

export interface ExecuteDeps {
  readonly store: EventStore;
  readonly metrics: OrdersMetrics;
  readonly now: () => Date;
  /** UUIDs of version 7: orders sort by the time they were made. */
  readonly newId: () => string;
  /** Called when there is something to publish. */
  readonly stored: () => void;
  /** How long an order waits for a step. */
  readonly timeoutsMs: Readonly<Record<DeadlineReason, number>>;
}

/** What a command is carried out for. */
export type Occasion = Pick<Append, 'idempotencyKey' | 'cause'>;

/** Decides on the order as it is now, and anew when it moved on in between. Answers with the order's version after that. */
export async function execute(
  deps: ExecuteDeps,
  orderId: string,
  command: OrderCommand,
  occasion: Occasion = {},
): Promise<number> {
  annotate({ [ORDER_ID]: orderId });
  for (let attempt = 1; ; attempt++) {
    const loaded = await deps.store.load(orderId);
    const decided = order.decide(loaded.order, command);
    if (decided.length === 0) return loaded.version;
    const events = decided.map((event): NewEvent => ({ ...event, id: deps.newId() }));
    try {
      await store(deps, { orderId, loaded, events }, occasion);
      return loaded.version + events.length;
    } catch (error) {
      const movedOn = error instanceof CodedError && error.code === 'CONFLICT';
      if (!movedOn || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Stores what was decided on an order, with the deadline of its next step. */
export async function store(
  deps: ExecuteDeps,
  { orderId, loaded, events }: { orderId: string; loaded: LoadedOrder; events: readonly NewEvent[] },
  occasion: Occasion,
): Promise<{ appended: Appended; at: Date }> {
  const at = deps.now();
  const after = events.reduce<Order>(order.evolve, loaded.order);
  const append: Append = {
    orderId,
    expectedVersion: loaded.version,
    events,
    order: after,
    at,
    deadline: nextDeadline(deps, { before: loaded.order, after, at }),
    ...occasion,
  };
  // Of this order, though the statement may be one with those of others.
  const attributes = { [ORDER_ID]: orderId, 'orderplane.event.types': events.map(({ type }) => type).join(' ') };
  const appended = await inSpan({ name: 'append events', attributes }, () => deps.store.append(append));
  if (appended === 'appended') {
    deps.stored();
    deps.metrics.observe(events as readonly OrderEvent[], { since: loaded.lastAt, at });
  }
  return { appended, at };
}

function nextDeadline(
  { timeoutsMs }: ExecuteDeps,
  { before, after, at }: { before: Order; after: Order; at: Date },
): Append['deadline'] {
  const [waited, waits] = [deadlineOf(before), deadlineOf(after)];
  if (waits === waited) return undefined;
  return waits === undefined ? 'none' : { reason: waits, dueAt: new Date(at.getTime() + timeoutsMs[waits]) };
}
