/** Runs that are under way, and the end of those that a newer one takes the place of (concurrency Replace). */
import type { SeedJob } from '../../api/v1alpha1/index.ts';
import { RUN_OF_LABEL } from '../../resources/labels.ts';
import { SEED_PURPOSE } from '../../resources/seed-run.ts';
import { ConfigMaps, Jobs, toKubeTime, type Job } from '../../runtime/index.ts';
import type { Deps } from '../deps.ts';
import type { RunProgress } from '../runs/advance.ts';
import { observeRun } from '../runs/observe.ts';
import { recordOf, type ObservedRun } from '../runs/plan.ts';
import { plannedRecord } from './occasion.ts';

function runsOf({ caches }: Pick<Deps, 'caches'>, { metadata }: SeedJob): { job: Job; run: ObservedRun }[] {
  return caches.jobs
    .byOwner(metadata.uid ?? '')
    .filter((job) => job.metadata.labels?.[RUN_OF_LABEL] === SEED_PURPOSE)
    .map((job) => ({ job, run: observeRun(job, caches.pods.byOwner(job.metadata.uid ?? '')) }));
}

const lastNumber = ({ status }: SeedJob) => status?.runs?.[0]?.number ?? 0;

/** The run that the status does not tell of yet: it runs, or has just ended. */
export function unrecordedRun(deps: Pick<Deps, 'caches'>, object: SeedJob): ObservedRun | undefined {
  const news = runsOf(deps, object)
    .filter(({ job, run }) => !job.metadata.deletionTimestamp && run.number > lastNumber(object))
    .map(({ run }) => run);
  return news.toSorted((a, b) => a.number - b.number)[0];
}

/** A run that makes way for the one that is due is recorded first, and ended once it is: so that its number is not used again. */
export function replaceRun({ clock }: Pick<Deps, 'clock'>, object: SeedJob, run: ObservedRun, due: Date): RunProgress {
  const message = `it was ended in favour of the run that was due at ${toKubeTime(due)}`;
  const end = { outcome: 'Failed', reason: 'Replaced', message, finishedAt: toKubeTime(clock.now()) } as const;
  return { record: recordOf(run, end, plannedRecord(object.status?.runs?.[0])), ended: run, isSettled: false };
}

/** Ends what is recorded and goes on all the same; whether nothing of it is left, its pods included. */
export async function endRecordedRuns(
  deps: Pick<Deps, 'caches' | 'client'>,
  object: SeedJob,
  signal: AbortSignal,
): Promise<boolean> {
  const left = runsOf(deps, object).filter(({ run }) => run.number <= lastNumber(object) && !run.end);
  for (const { job } of left) {
    if (job.metadata.deletionTimestamp) continue;
    const { namespace = '', name } = job.metadata;
    await deps.client.delete(ConfigMaps, { namespace, name }, { signal });
    await deps.client.delete(Jobs, { namespace, name }, { signal, propagation: 'Foreground' });
  }
  return left.length === 0;
}
