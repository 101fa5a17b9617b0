import { READY, RECONCILING, STALLED } from '../api/v1alpha1/index.ts';
import {
  removeCondition,
  setCondition,
  type Condition,
  type ConditionStatus,
  type KubeObject,
  type Recorder,
} from '../runtime/index.ts';
import { pending, type Fact } from './fact.ts';

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
  const { reason, overdue } = fact;
  const isReady = fact.state === 'holds';
  const ready = setCondition(
    conditions,
    { type: READY, status: isReady ? 'True' : 'False', reason, message, observedGeneration: generation },
    now,
  );
  const isStalled = fact.state === 'stalled' || overdue !== undefined;
  const kept = removeCondition(ready, isStalled || isReady ? RECONCILING : STALLED);
  if (isReady) return removeCondition(kept, STALLED);
  const why = overdue === undefined ? { reason, message } : { reason: DEADLINE_EXCEEDED, message: cut(overdue) };
  const type = isStalled ? STALLED : RECONCILING;
  return setCondition(kept, { type, status: 'True', ...why, observedGeneration: generation }, now);
}

/** The stages of which nothing is known yet are Unknown: a condition that is missing could be taken for one that does not matter. */
export function withUnknown(
  conditions: readonly Condition[] | undefined,
  types: readonly string[],
  generation: number,
  now: Date,
): Condition[] {
  const missing = types.filter((type) => !conditions?.some((condition) => condition.type === type));
  const fact = pending('not looked at yet');
  return missing.reduce<Condition[]>(
    (list, type) => withStage(list, type, fact, generation, now),
    [...(conditions ?? [])],
  );
}

/** The reason of Ready where a Job is at work, and has said how far it is. */
export const PROGRESSING = 'Progressing';

/** The reason of Stalled where something waits for longer than it may. */
const DEADLINE_EXCEEDED = 'ProgressDeadlineExceeded';

/**
 * One event a transition: of a stage when its status or reason changes, of Ready when its status does (the stages have told why), of
 * Stalled when it comes. Repetitions of what is known say nothing, nor does what was not asked for.
 */
export function recordChanges(
  recorder: Recorder,
  object: KubeObject,
  before: readonly Condition[] | undefined,
  after: readonly Condition[],
): void {
  const stalled = after.find(({ type }) => type === STALLED);
  for (const condition of after) {
    const { type, status, reason, message } = condition;
    if (type === RECONCILING || status === 'Unknown' || reason === 'NotRequested') continue;
    const previous = before?.find((each) => each.type === type);
    const isKnown = previous?.status === status && (type === READY || previous.reason === reason);
    // That a stage needs a person is told by its own event.
    if (isKnown || (type === STALLED && reason !== DEADLINE_EXCEEDED)) continue;
    const isBad = type === STALLED || (status === 'False' && reason === stalled?.reason);
    const text = type === STALLED ? message : `${type} is ${status}: ${message}`;
    recorder.event(object, { type: isBad ? 'Warning' : 'Normal', reason, action: type, message: text });
  }
}

const MAX_MESSAGE = 1024;

function cut(message: string): string {
  return message.length > MAX_MESSAGE ? `${message.slice(0, MAX_MESSAGE - 1)}…` : message;
}
