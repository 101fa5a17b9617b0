import type { ScheduleStatus, SeedJob } from '../../api/v1alpha1/index.ts';
import { deletesRows, seedRun, type SeedOccasion } from '../../resources/seed-run.ts';
import {
  done,
  isDeleting,
  requeueAfter,
  toKubeTime,
  type ObjectKey,
  type ReconcileContext,
  type Result,
} from '../../runtime/index.ts';
import type { Deps } from '../deps.ts';
import { FAULT_POLL_MS, holds, soonest, stalled, toFinding, waiting, type Fact } from '../fact.ts';
import { advanceRun, type RunProgress } from '../runs/advance.ts';
import { unfinishedRun } from '../runs/fact.ts';
import { suspended } from '../target.ts';
import { afterRuns, occasionOf, owedOccasion, plannedRecord } from './occasion.ts';
import { endRecordedRuns, replaceRun } from './replace.ts';
import { assess, type Situation } from './situation.ts';
import { CONFIG_MAP_POLL_MS, hasConfigMaps, missingClaim } from './source.ts';
import { describeDone, withRun, writeStatus, type Finding } from './status.ts';

/** The time of day may be set while a timer runs: nothing is waited for longer without a look at it. */
const MAX_WAIT_MS = 600_000;

/** How soon to look again where a visit has made way for what is due now. */
const SOON_MS = 100;

/** Runs a seed when its input has changed, when somebody asks for it, and when it is due; and only then. */
export async function reconcileSeedJob(deps: Deps, key: ObjectKey, context: ReconcileContext): Promise<Result> {
  const object = deps.caches.seedJobs.get(key);
  if (!object || isDeleting(object)) return done();
  const { finding, error } = await toFinding<Finding>(() => seed(deps, object, context.signal));
  await writeStatus(deps, object, finding, context);
  if (error) throw error;
  const { fact, lookAgainMs }: Finding = finding;
  const waitMs = soonest(fact.retryAfterMs, lookAgainMs);
  return waitMs === undefined ? done() : requeueAfter(waitMs);
}

async function seed(deps: Deps, object: SeedJob, signal: AbortSignal): Promise<Finding> {
  const situation = await assess(deps, object, signal);
  const { schedule, owed, running, isBlocked } = situation;
  const due = isBlocked ? undefined : schedule?.due;
  if (running && due && isReplaceable(situation, running)) {
    const progress = replaceRun(deps, object, running, due);
    return { ...findingOf(deps, situation, progress), lookAgainMs: SOON_MS };
  }
  const mayStart = (await endRecordedRuns(deps, object, signal)) && !isBlocked;
  const occasion = owed ?? (running ? occasionOf(running) : due && dueOccasion(situation, due));
  if (!occasion) return findingOf(deps, situation, undefined);
  const { name, namespace = '', uid = '' } = object.metadata;
  const isNew = running === undefined && mayStart;
  const claim = owed && isNew ? await missingClaim(deps, situation.spec, { namespace, signal }) : undefined;
  if (claim) return { ...findingOf(deps, situation, undefined), fact: claimMissing(situation, claim) };

  const definition = seedRun({ name, namespace, uid, occasion, ...situation, ...situation.stores });
  // A scheduled run that failed is not repeated: what is due starts once, and what is owed until it succeeds.
  const options = { mayStart: mayStart && (owed !== undefined || isNew), signal };
  const progress = await advanceRun(deps, definition, plannedRecord(object.status?.runs?.[0]), options);
  return findingOf(deps, situation, progress, occasion);
}

function isReplaceable({ spec, owed }: Situation, running: NonNullable<Situation['running']>): boolean {
  const isScheduled = occasionOf(running).trigger === 'Schedule';
  return spec.schedule?.concurrency === 'Replace' && isScheduled && !running.end && !owed;
}

function dueOccasion({ inputHash }: Situation, due: Date): SeedOccasion {
  return { trigger: 'Schedule', inputHash, scheduledFor: toKubeTime(due) };
}

/** @param started what a run that this visit has started is for */
function findingOf(
  deps: Deps,
  situation: Situation,
  progress: RunProgress | undefined,
  started?: SeedOccasion,
): Finding {
  const { object, spec, inputHash, requestedAt, missingToken, stores, schedule } = situation;
  const { ended, record, current } = progress ?? {};
  const running = current ? occasionOf(current) : progress?.running ? started : undefined;
  const told = afterRuns(
    object.status ?? {},
    ended && record && { occasion: occasionOf(ended), outcome: record.outcome },
    current?.hasStarted ? running : undefined,
  );
  const isOwed = owedOccasion(inputHash, requestedAt, told) !== undefined;
  return {
    fact: isOwed ? unfinishedFact(situation, progress) : holds('Applied', 'the seed has run'),
    told,
    progress,
    running,
    ...(deletesRows(spec) && !missingToken && { confirmedHash: inputHash }),
    ...(!stores.isSuspended && scheduleFinding(situation, running)),
    lookAgainMs: soonest(
      progress?.retryAfterMs,
      progress?.ended && schedule?.due ? SOON_MS : undefined,
      hasConfigMaps(spec) ? CONFIG_MAP_POLL_MS : undefined,
      stores.isSuspended ? undefined : untilNext(situation, deps.clock.now()),
    ),
  };
}

/** Why a seed that is owed is not done yet. */
function unfinishedFact(situation: Situation, progress: RunProgress | undefined): Fact {
  const { spec, missingToken, stores, unmet } = situation;
  if (missingToken) return stalled('ConfirmationRequired', confirmationNeeded(situation, missingToken));
  if (!progress?.running && stores.isSuspended) return suspended(spec.platformRef.name);
  if (!progress?.running && unmet) return waiting('WaitingForMigration', unmet);
  if (!progress) return unfinishedRun({ record: undefined, isSettled: false }, 'seeding');
  const { failure } = progress;
  const [last] = withRun(situation.object.status?.runs ?? [], progress);
  const done = failure && last?.number === failure.number ? describeDone(last) : '';
  return unfinishedRun(
    { ...progress, ...(done && failure && { failure: { ...failure, message: `${failure.message}${done}` } }) },
    'seeding',
  );
}

function confirmationNeeded({ spec: { datasets, confirm } }: Situation, token: string): string {
  const names = datasets.filter(({ mode }) => mode === 'Replace').map(({ name }) => name);
  const wrong = confirm === undefined ? '' : '; the one that is set is not for the datasets as they are now';
  return `mode Replace of ${names.join(', ')} deletes every row that is not in the dataset: to let it, set spec.confirm to "${token}"${wrong}`;
}

function claimMissing({ object }: Situation, claim: string): Fact {
  const message = `PersistentVolumeClaim ${claim} does not exist in namespace ${object.metadata.namespace}: create it, or name another in from.volume`;
  return waiting('ClaimMissing', message, FAULT_POLL_MS);
}

/** What of the schedule is dealt with by what runs now, or dropped. */
function scheduleFinding(
  { schedule, owed, running: awaited, isBlocked }: Situation,
  running: SeedOccasion | undefined,
): { schedule?: ScheduleStatus; missed?: Date } {
  if (!schedule) return {};
  const dropped = isBlocked || owed || awaited ? undefined : schedule.missed;
  const dealtWith = running?.scheduledFor ?? (dropped && toKubeTime(dropped));
  return {
    schedule: { ...schedule.status, ...(dealtWith && { lastScheduleTime: dealtWith }) },
    ...(dropped && { missed: dropped }),
  };
}

function untilNext({ schedule }: Situation, now: Date): number | undefined {
  if (!schedule?.next) return undefined;
  return Math.min(Math.max(schedule.next.getTime() - now.getTime(), 0), MAX_WAIT_MS);
}
