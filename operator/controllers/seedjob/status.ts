/** What a visit found, as the status of a SeedJob and its events. */
import {
  SeedJobs,
  type DatasetCounts,
  type ScheduleStatus,
  type SeedJob,
  type SeedJobStatus,
  type SeedRun,
} from '../../api/v1alpha1/index.ts';
import type { SeedResult } from '../../jobs/contract.ts';
import type { SeedOccasion } from '../../resources/seed-run.ts';
import { applyStatusIfChanged, removeCondition, type Condition, type ReconcileContext } from '../../runtime/index.ts';
import type { Deps } from '../deps.ts';
import { holds, pending, waiting, type Fact } from '../fact.ts';
import { recordChanges, withReady, withStage } from '../ready.ts';
import type { RunProgress } from '../runs/advance.ts';
import { unfinishedRun } from '../runs/fact.ts';
import { occasionOf } from './occasion.ts';

const KEPT_RUNS = 10;

/** How the last run that was due by the schedule ended. It says nothing of Ready, in which only the input counts. */
export const SCHEDULED_RUN_SUCCEEDED = 'ScheduledRunSucceeded';

/** What a visit found. */
export interface Finding {
  /** What becomes Ready. */
  fact: Fact;
  /** What the stores are known to have by now; unset where the visit did not come so far. */
  told?: Pick<SeedJobStatus, 'inputHash' | 'lastHandledRequestAt'>;
  progress?: RunProgress | undefined;
  /** What runs now is for. */
  running?: SeedOccasion | undefined;
  /** Where the schedule stands; undefined where the spec has none. */
  schedule?: ScheduleStatus | undefined;
  /** A time that was due, and is too long ago to be made up for. */
  missed?: Date | undefined;
  /** The input that is confirmed. */
  confirmedHash?: string | undefined;
  /** When to look again, apart from what the fact says. */
  lookAgainMs?: number | undefined;
}

/** Writes what was found, and tells of what is new in it. */
export async function writeStatus(
  deps: Deps,
  object: SeedJob,
  finding: Finding,
  { signal }: Pick<ReconcileContext, 'signal'>,
): Promise<void> {
  const before = object.status;
  const status = statusOf(object, finding, deps.clock.now());
  const { name, namespace } = object.metadata;
  const desired = { metadata: { name, ...(namespace && { namespace }) }, spec: object.spec, status };
  const { action } = await applyStatusIfChanged(deps.client, SeedJobs, desired, object, { signal });
  if (action !== 'updated') return;
  const [run] = status.runs ?? [];
  if (run && run.number !== before?.runs?.[0]?.number) {
    const hasSucceeded = run.outcome === 'Succeeded';
    const [type, reason] = hasSucceeded ? (['Normal', 'RunSucceeded'] as const) : (['Warning', 'RunFailed'] as const);
    deps.recorder.event(object, { type, reason, action: 'Seed', message: describeRun(run) });
  }
  if (finding.missed) {
    const message = `the run that was due at ${finding.missed.toISOString()} is left out: it is later than schedule.startingDeadlineSeconds allows`;
    deps.recorder.event(object, { type: 'Warning', reason: 'MissedSchedule', action: 'Seed', message });
  }
  const told = (conditions: Condition[] = []) => removeCondition(conditions, SCHEDULED_RUN_SUCCEEDED);
  recordChanges(deps.recorder, object, told(before?.conditions), told(status.conditions));
}

/** The status after a visit. What the visit could not find out stays as it was. */
export function statusOf({ metadata, spec, status }: SeedJob, finding: Finding, now: Date): SeedJobStatus {
  const { fact, progress } = finding;
  const generation = metadata.generation ?? 0;
  const runs = withRun(status?.runs ?? [], progress);
  const { inputHash, lastHandledRequestAt } = finding.told ?? status ?? {};
  const confirmedHash = finding.confirmedHash ?? status?.confirmedHash;
  const schedule = spec.schedule && (finding.schedule ?? status?.schedule);
  const conditions = withReady(status?.conditions, fact, generation, now);
  return {
    observedGeneration: generation,
    ...(inputHash && { inputHash }),
    ...(confirmedHash && { confirmedHash }),
    ...(lastHandledRequestAt && { lastHandledRequestAt }),
    ...(schedule && { schedule }),
    ...(runs.length > 0 && { runs }),
    conditions: withScheduled(conditions, spec.schedule && scheduledFact(runs, finding, schedule), generation, now),
  };
}

/** Without a schedule there is no such condition; what is not known now stays as it was. */
function withScheduled(conditions: Condition[], fact: Fact | undefined, generation: number, now: Date): Condition[] {
  if (!fact) return removeCondition(conditions, SCHEDULED_RUN_SUCCEEDED);
  const isKnown = conditions.some(({ type }) => type === SCHEDULED_RUN_SUCCEEDED);
  if (fact.state === 'pending' && fact.reason === 'Pending' && isKnown) return conditions;
  return withStage(conditions, SCHEDULED_RUN_SUCCEEDED, fact, generation, now);
}

function scheduledFact(runs: readonly SeedRun[], finding: Finding, schedule: ScheduleStatus | undefined): Fact {
  const { progress, running } = finding;
  if (running?.trigger === 'Schedule' && progress?.running)
    return { ...unfinishedRun({ ...progress, failure: undefined }, 'seeding'), state: 'pending' };
  const last = runs.find(({ trigger }) => trigger === 'Schedule');
  if (!last) return pending(`no scheduled run yet; the first is due at ${schedule?.nextScheduleTime ?? 'its time'}`);
  if (last.outcome === 'Succeeded') return holds('Succeeded', describeRun(last));
  return waiting(last.reason ?? 'Failed', describeRun(last));
}

/** The runs, newest first, with the one that this visit recorded. */
export function withRun(runs: readonly SeedRun[], progress: RunProgress | undefined): SeedRun[] {
  const { record, ended } = progress ?? {};
  if (!record || !ended || record.number === runs[0]?.number) return [...runs];
  const { trigger, inputHash, requestedAt, scheduledFor } = occasionOf(ended);
  const counts = countsOf(progress);
  const run: SeedRun = {
    ...record,
    trigger,
    inputHash,
    requestedAt,
    scheduledFor,
    datasets: counts?.map(({ name, inserted, updated, skipped, deleted }) => ({
      name,
      inserted,
      updated,
      skipped,
      deleted,
    })),
  };
  const defined = Object.fromEntries(Object.entries(run).filter(([, value]) => value !== undefined)) as SeedRun;
  return [defined, ...runs].slice(0, KEPT_RUNS);
}

/** Of the run that was recorded: what it did, also before it failed. */
function countsOf({ result, refusal }: Pick<RunProgress, 'result' | 'refusal'> = {}):
  SeedResult['datasets'] | undefined {
  return ((result ?? refusal) as Partial<SeedResult> | undefined)?.datasets;
}

/** What a run that failed had done before, in words to follow those of its failure; empty where that is nothing. */
export function describeDone(run: SeedRun | undefined): string {
  return run?.outcome === 'Failed' && run.datasets
    ? ` (written before that, and kept: ${describeCounts(run.datasets)})`
    : '';
}

/** A run in a sentence, for events and conditions. */
export function describeRun(run: SeedRun): string {
  const { number, trigger, scheduledFor, outcome, message, datasets = [] } = run;
  const why =
    trigger === 'Schedule' ? `due at ${scheduledFor}` : trigger === 'Request' ? 'as requested' : 'for a new input';
  const how = outcome === 'Failed' ? `failed: ${message}${describeDone(run)}` : describeCounts(datasets);
  return `run ${number}, ${why}: ${how}`;
}

/** What a run did, such as `products: 1 updated, 9 unchanged`. */
export function describeCounts(datasets: readonly DatasetCounts[]): string {
  const words = datasets.map(({ name, inserted, updated, skipped, deleted = 0 }) => {
    const counts = [[inserted, 'inserted'], [updated, 'updated'], [deleted, 'deleted'], [skipped, 'unchanged']] as const; // prettier-ignore
    const told = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
    return `${name}: ${told.length > 0 ? told.join(', ') : 'no rows'}`;
  });
  return words.join('; ');
}
