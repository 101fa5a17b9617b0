import { READY, RECONCILING, STALLED } from '../api/v1alpha1/index.ts';
import {
  removeCondition,
  setCondition,
  type Condition,
  type ConditionStatus,
  type KubeObject,
  type Recorder,
} from '../runtime/index.ts';
import type { Fact } from './fact.ts';

const STATUS: Readonly<Record<Fact['state'], ConditionStatus>> = {
  holds: 'True',
  waiting: 'False',
  stalled: 'False',
  pending: 'Unknown',
};

/** The conditions with one of a stage set from its fact. */
export function withStage(
  conditions: readonly Condition[] | undefined,
  type: string,
  fact: Fact,
  generation: number,
  now: Date,
): Condition[] {
  const { reason, message } = fact;
  return setCondition(
    conditions,
    { type, status: STATUS[fact.state], reason, message: cut(message), observedGeneration: generation },
    now,
  );
}

/** The conditions of kstatus: Ready is always there; Reconciling and Stalled are True or absent, never both. */
export function withReady(
  conditions: readonly Condition[] | undefined,
  fact: Fact,
  generation: number,
  now: Date,
): Condition[] {
  const message = cut(fact.message);
  const { reason } = fact;
  const isReady = fact.state === 'holds';
  const ready = setCondition(
    conditions,
    { type: READY, status: isReady ? 'True' : 'False', reason, message, observedGeneration: generation },
    now,
  );
  const kept = removeCondition(ready, fact.state === 'stalled' || isReady ? RECONCILING : STALLED);
  if (isReady) return removeCondition(kept, STALLED);
  const type = fact.state === 'stalled' ? STALLED : RECONCILING;
  return setCondition(kept, { type, status: 'True', reason, message, observedGeneration: generation }, now);
}

/** One event for each condition that is another than before; repetitions of what is known say nothing. */
export function recordChanges(
  recorder: Recorder,
  object: KubeObject,
  before: readonly Condition[] | undefined,
  after: readonly Condition[],
): void {
  const stalledReason = after.find(({ type }) => type === STALLED)?.reason;
  for (const condition of after) {
    if (condition.type === RECONCILING || condition.type === STALLED || condition.status === 'Unknown') continue;
    const previous = before?.find(({ type }) => type === condition.type);
    if (previous?.status === condition.status && previous.reason === condition.reason) continue;
    const isBad = condition.status === 'False' && condition.reason === stalledReason;
    recorder.event(object, {
      type: isBad ? 'Warning' : 'Normal',
      reason: condition.reason,
      action: condition.type,
      message: `${condition.type} is ${condition.status}: ${condition.message}`,
    });
  }
}

const MAX_MESSAGE = 1024;

function cut(message: string): string {
  return message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE - 1)}…` : message;
}
