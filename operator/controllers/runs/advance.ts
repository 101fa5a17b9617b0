import { jobRun, type JobDefinition } from '../../resources/job.ts';
import { RUN_LABEL, RUN_OF_LABEL } from '../../resources/labels.ts';
import {
  ConfigMaps,
  controllerOf,
  isAlreadyExists,
  isConditionTrue,
  isInvalid,
  Jobs,
  keyOf,
  Pods,
  toKubeTime,
  type Job,
  type KubeObject,
  type Pod,
  type ReconcileContext,
  type Resource,
} from '../../runtime/index.ts';
import { findCause } from '../cause.ts';
import type { Deps } from '../deps.ts';

import { Blocked, soonest, stalled } from '../fact.ts';
import { JOB_NAME_LABEL } from './owner.ts';
import { observeRun } from './observe.ts';
import { planRun, recordOf, superfluousRuns, type ObservedRun, type RunRecord } from './plan.ts';
import { readProgress, type JobWords } from './progress.ts';

/** Where a Job stands after a visit. */
export interface RunProgress {
  /** The last run that ended, to be kept in the status: what is not kept there is run again. */
  record: RunRecord | undefined;
  /** The last run, where it failed for this very input. */
  failure?: RunRecord | undefined;
  /** What it answered, where a run that succeeded was recorded by this very visit. */
  result?: unknown;
  /** What it answered beside reason and message, where a run that failed was. */
  refusal?: unknown;
  /** Whether the input has been dealt with. */
  isSettled: boolean;
  /** The run whose end this very visit recorded. */
  ended?: ObservedRun | undefined;
  /** The Job that runs now. */
  running?: string;
  /** The same as it was found; undefined for one that this very visit started. */
  current?: ObservedRun;
  /** Why the running Job does not get on. */
  trouble?: string;
  /** What the running Job says of itself. */
  words?: JobWords;
  /** When the next attempt is due. */
  retryAfterMs?: number;
}

/** Why a Job that has not begun is not waited for any longer; undefined where it is. */
export type GiveUp = (job: Job, run: ObservedRun) => { reason: string; message: string } | undefined;

/**
 * Takes a Job one step further: records what ended, starts what is due if it may, removes what is old.
 * Safe to repeat after a kill at any point: a run's name follows from the record and the input.
 */
export async function advanceRun(
  deps: Deps,
  definition: JobDefinition,
  lastRecord: RunRecord | undefined,
  options: { mayStart: boolean; giveUp?: GiveUp | undefined } & Pick<ReconcileContext, 'signal'>,
): Promise<RunProgress> {
  const { caches, clock } = deps;
  const jobs = caches.jobs
    .byOwner(definition.owner.uid)
    .filter((job) => job.metadata.labels?.[RUN_OF_LABEL] === definition.purpose);
  const kept = jobs.filter((job) => !job.metadata.deletionTimestamp);
  const runs = await Promise.all(
    kept.map(async (job) => {
      const isNews = Number(job.metadata.labels?.[RUN_LABEL]) > (lastRecord?.number ?? 0);
      return observeRun(job, isNews ? await podsWithResult(deps, job, options) : podsOf(deps, job));
    }),
  );
  let record = lastRecord;
  let result: unknown;
  let refusal: unknown;
  let ended: ObservedRun | undefined;
  const failed = () =>
    record?.outcome === 'Failed' && record.inputHash === definition.inputHash ? { failure: record } : {};
  for (;;) {
    const plan = planRun(definition.inputHash, record, runs, clock.now());
    switch (plan.step) {
      case 'record':
        record = recordOf(plan.run, plan.end, record);
        ended = plan.run;
        result = plan.end.outcome === 'Succeeded' ? plan.end.result : undefined;
        refusal = plan.end.outcome === 'Failed' ? plan.end.result : undefined;
        continue;
      case 'settled':
        await removeRuns(deps, definition, superfluousRuns(lastRecord, record, runs), options);
        return { record, result, ended, isSettled: true };
      case 'await': {
        if (isOverdue(plan.run, clock.now())) await restoreInput(deps, definition, plan.run, options);
        const job = jobs.find(({ metadata }) => metadata.name === plan.run.name);
        const hopeless = job && !plan.run.hasStarted ? options.giveUp?.(job, plan.run) : undefined;
        if (hopeless) {
          // It goes once the status tells of it: a visit that knew of neither would start it again.
          record = recordOf(plan.run, { outcome: 'Failed', finishedAt: toKubeTime(clock.now()), ...hopeless }, record);
          ended = plan.run;
          result = refusal = undefined;
          continue;
        }
        return {
          record,
          result,
          refusal,
          ended,
          ...failed(),
          isSettled: false,
          running: plan.run.name,
          current: plan.run,
          ...(await lookInto(deps, job, options)),
        };
      }
      case 'takeBack':
        await removeRuns(deps, definition, [plan.run], options);
        return { record, result, refusal, ended, isSettled: false, retryAfterMs: 1_000 };
      case 'refused':
        await removeRuns(deps, definition, superfluousRuns(lastRecord, record, runs), options);
        return { record, result, refusal, ended, ...failed(), isSettled: false };
      case 'backOff':
        await removeRuns(deps, definition, superfluousRuns(lastRecord, record, runs), options);
        return { record, result, refusal, ended, ...failed(), isSettled: false, retryAfterMs: plan.ms };
      case 'start':
        await removeRuns(deps, definition, superfluousRuns(lastRecord, record, runs), options);
        if (!options.mayStart) return { record, result, refusal, ended, ...failed(), isSettled: false };
        return {
          record,
          result,
          refusal,
          ended,
          ...failed(),
          isSettled: false,
          running: await startRun(deps, definition, plan.number, options),
        };
    }
  }
}

/** How a Job that runs gets on, or why it does not. */
async function lookInto(
  deps: Deps,
  job: Job | undefined,
  options: Pick<ReconcileContext, 'signal'>,
): Promise<Pick<RunProgress, 'trouble' | 'words' | 'retryAfterMs'>> {
  if (!job) return {};
  const pods = podsOf(deps, job);
  const cause = await findCause(deps, job, pods, options);
  const { words, lookAgainMs } = await readProgress(deps, pods, options);
  const retryAfterMs = soonest(cause.lookAgainMs, lookAgainMs);
  return {
    words,
    ...(cause.words && { trouble: cause.words }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/**
 * The pods of a Job. Each kind has a watch of its own: that of Jobs may tell of an end that the one of pods has not come to, and a result that is
 * not read would be a run that is repeated.
 */
async function podsWithResult(
  deps: Deps,
  job: Job,
  { signal }: Pick<ReconcileContext, 'signal'>,
): Promise<readonly Pod[]> {
  const known = podsOf(deps, job);
  if (!isConditionTrue(job.status?.conditions, 'Complete') || known.some(({ status }) => status?.phase === 'Succeeded'))
    return known;
  const { name, namespace } = job.metadata;
  const labelSelector = `${JOB_NAME_LABEL}=${name}`;
  return (await deps.client.list(Pods, { ...(namespace && { namespace }), labelSelector, signal })).items;
}

function podsOf({ caches }: Deps, job: Job) {
  return caches.pods.byOwner(job.metadata.uid ?? '');
}

async function startRun(
  deps: Deps,
  definition: JobDefinition,
  number: number,
  { signal }: Pick<ReconcileContext, 'signal'>,
): Promise<string> {
  const { config, job } = jobRun(definition, number);
  await createOwned(deps, ConfigMaps, config, definition, signal);
  await createOwned(deps, Jobs, job, definition, signal);
  return job.metadata.name;
}

/** By then its pod has begun, unless something is wrong. */
const USUAL_START_MS = 5_000;

function isOverdue({ hasStarted, startedAt = '' }: ObservedRun, now: Date): boolean {
  return !hasStarted && now.getTime() - Date.parse(startedAt) > USUAL_START_MS;
}

/** A kill while a run was taken back leaves a Job without its input; if that input is wanted again, the Job would wait for it for ever. */
async function restoreInput(
  deps: Deps,
  definition: JobDefinition,
  { number, inputHash }: ObservedRun,
  { signal }: Pick<ReconcileContext, 'signal'>,
): Promise<void> {
  if (inputHash !== definition.inputHash) return;
  const { config } = jobRun(definition, number);
  if (await deps.client.get(ConfigMaps, keyOf(config), { signal })) return;
  await createOwned(deps, ConfigMaps, config, definition, signal);
}

/** Creates it; that it is there already is as good, if it is ours: made before a kill, or before the cache saw it. */
async function createOwned<T extends KubeObject>(
  { client }: Deps,
  resource: Resource<T>,
  object: T,
  { owner }: JobDefinition,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.create(resource, object, { signal });
  } catch (error) {
    if (isInvalid(error))
      throw new Blocked(stalled('InvalidInput', `${resource.kind} was refused: ${error.message}`, 30_000));
    if (!isAlreadyExists(error)) throw error;
    const existing = await client.get(resource, keyOf(object), { signal });
    if (!existing) throw error;
    const controller = controllerOf(existing);
    if (controller?.uid === owner.uid) return;
    const { kind } = resource;
    const { name } = object.metadata;
    if (controller?.kind === owner.kind)
      throw new Error(`${kind} ${name} is of an earlier ${owner.kind} ${controller.name}, and being deleted`);
    throw new Blocked(
      stalled(
        'NameConflict',
        `${kind} ${name} exists and is not of ${owner.kind} ${owner.name}: delete or rename it`,
        30_000,
      ),
    );
  }
}

async function removeRuns(
  { client }: Deps,
  { namespace }: JobDefinition,
  runs: readonly ObservedRun[],
  { signal }: Pick<ReconcileContext, 'signal'>,
): Promise<void> {
  for (const { name } of runs) {
    // The Job last: it is what a run is known by, so that a kill in between leaves nothing behind.
    await client.delete(ConfigMaps, { namespace, name }, { signal });
    await client.delete(Jobs, { namespace, name }, { signal });
  }
}
