/** Why a seed is to run now, and what a run changes in what the status tells: facts in, facts out. */
import type { SeedJobStatus, SeedRun } from '../../api/v1alpha1/index.ts';
import { OCCASION_ANNOTATION, occasionHash, type SeedOccasion } from '../../resources/seed-run.ts';
import type { ObservedRun, RunRecord } from '../runs/plan.ts';

type Told = Pick<SeedJobStatus, 'inputHash' | 'lastHandledRequestAt'>;

/**
 * The run that is owed whatever the schedule says: for an input that has not been written with success, or for a request that no run has dealt
 * with. Undefined when the stores are known to have it all.
 */
export function owedOccasion(
  inputHash: string,
  requestedAt: string | undefined,
  told: Told | undefined,
): SeedOccasion | undefined {
  const request = requestedAt && requestedAt !== told?.lastHandledRequestAt ? { requestedAt } : {};
  if (told?.inputHash !== inputHash) return { trigger: 'Spec', inputHash, ...request };
  return request.requestedAt ? { trigger: 'Request', inputHash, ...request } : undefined;
}

/** What a Job is for. A Job without a note is of an operator that knew of no other reasons. */
export function occasionOf({ inputHash, annotations }: Pick<ObservedRun, 'inputHash' | 'annotations'>): SeedOccasion {
  try {
    return JSON.parse(annotations?.[OCCASION_ANNOTATION] ?? '') as SeedOccasion;
  } catch {
    return { trigger: 'Spec', inputHash };
  }
}

/** What a recorded run was for. */
export function recordedOccasion({ trigger = 'Spec', inputHash, requestedAt, scheduledFor }: SeedRun): SeedOccasion {
  return { trigger, inputHash, requestedAt, scheduledFor };
}

/** A recorded run as the planner of runs knows it: by its occasion, so that the same input can have several. */
export function plannedRecord(run: SeedRun | undefined): RunRecord | undefined {
  return run && { ...run, inputHash: occasionHash(recordedOccasion(run)) };
}

/**
 * What the stores are known to have, after what a visit found. A run leaves them in between as soon as it has begun to write something else,
 * until one succeeds.
 */
export function afterRuns<T extends Told>(
  told: T,
  ended: { occasion: SeedOccasion; outcome: SeedRun['outcome'] } | undefined,
  writing: SeedOccasion | undefined,
): Told {
  let { inputHash, lastHandledRequestAt } = told;
  if (ended?.outcome === 'Succeeded') {
    inputHash = ended.occasion.inputHash;
    lastHandledRequestAt = ended.occasion.requestedAt ?? lastHandledRequestAt;
  } else if (ended && ended.occasion.inputHash !== inputHash) inputHash = undefined;
  if (writing && writing.inputHash !== inputHash) inputHash = undefined;
  return { inputHash, lastHandledRequestAt };
}
