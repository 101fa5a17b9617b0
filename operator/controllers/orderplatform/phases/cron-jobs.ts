import { withRunTemplate, runLabels } from '../../../resources/cron-job.ts';
import { INPUT_HASH_LABEL } from '../../../resources/labels.ts';
import type { Service } from '../../../resources/platform.ts';
import { appliedTemplate } from '../../../resources/service.ts';
import { findCondition, isConditionTrue, type CronJob, type Job } from '../../../runtime/index.ts';
import { findCause } from '../../cause.ts';
import type { Deps } from '../../deps.ts';
import { ensure, findOwned } from '../../ensure.ts';
import { gettingOn, holds, stalled, waiting, type Fact } from '../../fact.ts';
import { recordTemplate } from '../pinning/record.ts';
import { someRunGetsOn } from '../requirements.ts';
import type { Scope } from '../scope.ts';
import { gateTemplate } from './template-gate.ts';

/** Applies a service that runs on a schedule, and finds how its runs went. */
export async function reconcileCronJob(
  deps: Deps,
  scope: Scope,
  service: Service,
  desired: CronJob,
  unmetNeeds: () => string | undefined,
): Promise<Fact> {
  const { caches } = deps;
  const { platform } = scope;
  const key = { namespace: platform.namespace, name: desired.metadata.name };
  const live = await findOwned(deps, caches.cronJobs, platform, key, scope);
  const { template, unmet } = gateTemplate(
    desired.spec?.jobTemplate.spec?.template,
    live && appliedTemplate(live),
    unmetNeeds,
  );
  const waitingWith = (words: string) =>
    gettingOn(waiting('WaitingForRequirement', words), someRunGetsOn(deps, platform));
  if (!template) return waitingWith(`${service.name} waits: ${unmet}`);
  await recordTemplate(deps, scope, service.name, template);
  const stored = await ensure(deps, caches.cronJobs, platform, withRunTemplate(desired, template), scope);
  scope.cronJobs.set(service.name, stored);
  if (unmet) return waitingWith(`${service.name} runs as before: ${unmet}`);
  const fault = await faultOfRuns(deps, scope, service.name, stored);
  if (fault) return fault;
  scope.available.add(service.name);
  return holds('Available', `${service.name} is scheduled`);
}

/**
 * Why the newest run that came to an end failed, which only a later run or a person can mend; or why one that is to run now does not.
 * Runs of an older template tell nothing any more.
 */
async function faultOfRuns(deps: Deps, scope: Scope, service: string, cronJob: CronJob): Promise<Fact | undefined> {
  const { caches } = deps;
  const hash = runLabels(cronJob)[INPUT_HASH_LABEL];
  const runs = caches.jobs
    .byOwner(cronJob.metadata.uid ?? '')
    .filter(({ metadata }) => metadata.labels?.[INPUT_HASH_LABEL] === hash)
    .toSorted((a, b) => startOf(b) - startOf(a));
  for (const run of runs) {
    if (isConditionTrue(run.status?.conditions, 'Complete')) return undefined;
    const pods = caches.pods.byOwner(run.metadata.uid ?? '');
    const failed = findCondition(run.status?.conditions, 'Failed');
    if (failed?.status === 'True') {
      const { words = failed.message ?? failed.reason } = await findCause(deps, run, pods, scope);
      scope.troubles.set(service, `run ${run.metadata.name} failed: ${words}`);
      return stalled('RunFailed', `${service} did not get its work done: ${scope.troubles.get(service)}`);
    }
    // A run that goes on may get over a pod that failed.
    const living = pods.filter(({ status }) => status?.phase !== 'Failed' && status?.phase !== 'Succeeded');
    const { words, lookAgainMs } = await findCause(deps, run, living, scope);
    if (words === undefined) continue;
    scope.troubles.set(service, words);
    return waiting('PodFailing', `${service} does not get on: ${words}`, lookAgainMs);
  }
  return undefined;
}

const startOf = ({ metadata }: Job) => Date.parse(metadata.creationTimestamp ?? '') || 0;
