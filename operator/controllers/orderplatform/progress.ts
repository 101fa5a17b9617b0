/** Since when each stage waits without getting on: kept in the status, so that an operator that starts anew does not start counting anew. */
import { READY, STAGES, type OrderPlatformStatus, type Stage } from '../../api/v1alpha1/index.ts';
import { findCondition, toKubeTime } from '../../runtime/index.ts';
import type { Fact } from '../fact.ts';
import type { Scope } from './scope.ts';

export type StageProgress = NonNullable<OrderPlatformStatus['waiting']>[number];

/**
 * What waits, and since when; what work goes on for is left out, and counts from when that ends. Getting further than ever since it began
 * to wait is progress, and so is a new generation; coming and going is none.
 * @param done how much of a stage is there, as any number that grows with it
 * @param before as the last status has it, where that was of this generation
 */
export function trackProgress(
  facts: ReadonlyMap<Stage, Fact>,
  done: (stage: Stage) => number,
  before: readonly StageProgress[],
  now: Date,
): StageProgress[] {
  return STAGES.filter((stage) => {
    const fact = facts.get(stage);
    return fact?.state === 'waiting' && !fact.getsOn;
  }).map((stage) => {
    const known = before.find((each) => each.stage === stage);
    const reached = done(stage);
    return known && reached <= known.done ? known : { stage, since: toKubeTime(now), done: reached };
  });
}

/** The first stage that has waited for longer than it may. */
export function overdueStage(
  waiting: readonly StageProgress[],
  deadlineSeconds: number,
  now: Date,
): StageProgress | undefined {
  return waiting.find(({ since }) => Date.parse(since) + deadlineSeconds * 1_000 <= now.getTime());
}

/** Whether a stage had waited for too long when this generation was last looked at. */
export function wasOverdue(stage: Stage, { object, platform }: Pick<Scope, 'object' | 'platform'>, now: Date): boolean {
  const { conditions, waiting = [] } = object.status ?? {};
  if (findCondition(conditions, READY)?.observedGeneration !== object.metadata.generation) return false;
  const known = waiting.filter((each) => each.stage === stage);
  return overdueStage(known, platform.progressDeadlineSeconds, now) !== undefined;
}

/** When the next stage is overdue, in milliseconds; undefined where none will be. Nothing else reports that time has passed. */
export function nextDeadlineMs(
  waiting: readonly StageProgress[],
  deadlineSeconds: number,
  now: Date,
): number | undefined {
  const left = waiting
    .map(({ since }) => Date.parse(since) + deadlineSeconds * 1_000 - now.getTime())
    .filter((ms) => ms > 0);
  return left.length > 0 ? Math.min(...left) : undefined;
}

/** How much of a stage is there. */
export function doneIn(stage: Stage, { statefulSets, deployments, provisioned, object, facts }: Scope): number {
  switch (stage) {
    case 'StoresReady':
    case 'BrokerReady':
      return sum([...statefulSets.values()].map(({ status }) => pods(status)));
    case 'DatabasesReady':
      return provisioned.size;
    case 'SchemaCurrent':
      return (object.status?.migrations ?? []).filter(({ ready }) => ready).length;
    case 'ServicesAvailable':
      return sum([...deployments.values()].map(({ status }) => pods(status)));
    default:
      return facts.get(stage)?.state === 'holds' ? 1 : 0;
  }
}

function pods(status: { updatedReplicas?: number; readyReplicas?: number } | undefined): number {
  return (status?.updatedReplicas ?? 0) + (status?.readyReplicas ?? 0);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
