import { badInput, CodedError } from '@orderplane/shared/errors.ts';
import { traceIdOf } from '@orderplane/shared/request-context.ts';
import type { EventStore, StoredEvent } from './order/event-store.ts';
import { detailOf } from './order/events.ts';
import { isUuid } from './order/text.ts';

export interface TraceStep {
  readonly eventId: string;
  readonly causationId?: string | undefined;
  readonly type: string;
  readonly service: string;
  readonly occurredAt: Date;
  readonly detail?: string | undefined;
  readonly compensates: boolean;
}

export interface OrderTrace {
  readonly steps: readonly TraceStep[];
  readonly correlationId: string;
  readonly traceId: string;
}

/** What takes something back that was done for an order. */
const COMPENSATES = new Set([
  'order_cancelled',
  'stock_released',
  'order_stock_released',
  'payment_refunded',
  'order_refunded',
]);

/** An order's events, and those of other services that led to them, oldest first. */
export async function orderTrace(
  store: Pick<EventStore, 'history'>,
  { id, userId }: { id: string; userId?: string | undefined },
): Promise<OrderTrace> {
  if (!isUuid(id)) throw badInput('id', 'id must be the id of an order.');
  const history = await store.history(id);
  const [created] = history;
  if (created?.type !== 'order_created') throw new CodedError('ORDER_NOT_FOUND');
  if (userId !== undefined && created.data.userId !== userId) throw new CodedError('ORDER_NOT_FOUND');
  const causes = new Map(history.flatMap(({ cause }) => (cause ? [[cause.id, cause] as const] : [])));
  const steps = [
    ...history.map(ownStep),
    ...[...causes.values()].map(({ id: eventId, type, source, time, causationId, detail }): TraceStep => ({
      eventId,
      causationId,
      type,
      service: source.slice(source.lastIndexOf('/') + 1),
      occurredAt: new Date(time),
      detail,
      compensates: COMPENSATES.has(type),
    })),
  ];
  return {
    steps: inOrder(steps),
    correlationId: created.correlationId ?? '',
    traceId: created.traceparent === undefined ? '' : traceIdOf(created.traceparent),
  };
}

function ownStep(event: StoredEvent): TraceStep {
  const { id: eventId, causationId, type, recordedAt } = event;
  return {
    eventId,
    causationId,
    type,
    service: 'orders',
    occurredAt: recordedAt,
    detail: detailOf(event),
    compensates: COMPENSATES.has(type),
  };
}

/** By time; and what led to a step before it, also where the clocks of two services disagree. */
function inOrder(steps: readonly TraceStep[]): TraceStep[] {
  const byId = new Map(steps.map((step) => [step.eventId, step]));
  const placed = new Set<TraceStep>();
  const place = (step: TraceStep) => {
    if (placed.has(step)) return;
    const cause = step.causationId === undefined ? undefined : byId.get(step.causationId);
    if (cause) place(cause);
    placed.add(step);
  };
  for (const step of steps.toSorted((a, b) => a.occurredAt.getTime() - b.occurredAt.getTime())) place(step);
  return [...placed];
}
