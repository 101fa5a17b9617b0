import type { EventOf } from '@orderplane/contracts/events.ts';
import type { EventBus, Handled } from '@orderplane/shared/events/bus.ts';
import type { Step } from '../order/decide.ts';
import type { ForeignEvent } from '../order/event-store.ts';
import { ANSWERED_TOPICS, type AnsweredTopic, detailOf } from '../order/events.ts';
import { execute, type ExecuteDeps } from '../order/execute.ts';
import { keyOfEvent } from '../order/idempotency-key.ts';

export interface ProcessManagerDeps extends ExecuteDeps {
  readonly steps: readonly Step[];
}

/** Follows the steps of the saga that are enabled: each of their events has its effect on its order, once. */
export function followSaga(bus: Pick<EventBus, 'consume'>, name: string, deps: ProcessManagerDeps): void {
  for (const step of deps.steps) {
    const topics: readonly AnsweredTopic[] = ANSWERED_TOPICS[step];
    bus.consume({ name, topics, handle: (event) => answerEvent(deps, event) });
  }
}

/** The key of the append is what makes it one effect, in the effect's transaction: the same event again finds it taken. */
export async function answerEvent(deps: ProcessManagerDeps, event: EventOf<AnsweredTopic>): Promise<Handled> {
  const command = { type: 'answer', event, steps: deps.steps } as const;
  await execute(deps, event.subject, command, { idempotencyKey: keyOfEvent(event.id), cause: causeFrom(event) });
  return 'done';
}

function causeFrom(event: EventOf<AnsweredTopic>): ForeignEvent {
  const { id, type, source, time, causationid: causationId } = event;
  return { id, type, source, time, causationId, detail: detailOf(event) };
}
