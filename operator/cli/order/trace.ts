/** What happened to an order, as the gateway tells it and as commands show it. */
import { z } from 'zod';

/** GET /api/v1/orders/:id/trace, oldest first. */
export const orderTrace = z.object({
  steps: z.array(
    z.object({
      eventId: z.string(),
      causationId: z.string().optional(),
      type: z.string(),
      service: z.string(),
      occurredAt: z.iso.datetime({ offset: true }),
      detail: z.string().optional(),
      compensates: z.boolean().default(false),
    }),
  ),
  correlationId: z.string().default(''),
  traceId: z.string().default(''),
});
export type OrderTrace = z.infer<typeof orderTrace>;
type Step = OrderTrace['steps'][number];

export type Outcome = 'confirmed' | 'cancelled' | 'pending';

/** A step of the saga, with what it led to, in the order in which it happened. */
export interface Node {
  step: Step;
  /** After what led to it; undefined for what nothing here led to. Clocks of different services may make it negative. */
  afterMs: number | undefined;
  leadsTo: Node[];
}

export interface Saga {
  outcome: Outcome;
  /** From the first step to the last. */
  durationMs: number;
  roots: Node[];
}

/** The steps as a tree of causes. */
export function sagaOf({ steps }: Pick<OrderTrace, 'steps'>): Saga {
  const byId = new Map(steps.map((step) => [step.eventId, step]));
  const isRoot = ({ causationId }: Step) => causationId === undefined || !byId.has(causationId);
  const nodeOf = (step: Step): Node => {
    const cause = step.causationId === undefined ? undefined : byId.get(step.causationId);
    const effects = steps.filter((other) => other.causationId === step.eventId && other !== step);
    return {
      step,
      afterMs: cause && timeOf(step) - timeOf(cause),
      leadsTo: effects.toSorted((a, b) => timeOf(a) - timeOf(b)).map(nodeOf),
    };
  };
  const times = steps.map(timeOf);
  return {
    outcome: outcomeOf(steps),
    durationMs: times.length > 0 ? Math.max(...times) - Math.min(...times) : 0,
    roots: steps.filter(isRoot).map(nodeOf),
  };
}

/** An order that was confirmed may be cancelled later, and never the other way round. */
function outcomeOf(steps: readonly Step[]): Outcome {
  const happened = new Set(steps.map(({ type }) => type));
  if (happened.has('order_cancelled')) return 'cancelled';
  return happened.has('order_confirmed') ? 'confirmed' : 'pending';
}

function timeOf({ occurredAt }: Step): number {
  return Date.parse(occurredAt);
}
