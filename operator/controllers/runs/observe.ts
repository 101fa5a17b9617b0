import { JOB_CONTAINER } from '../../resources/job.ts';
import { INPUT_HASH_LABEL, RUN_LABEL } from '../../resources/labels.ts';
import { findCondition, isConditionTrue, type Job, type Pod } from '../../runtime/index.ts';
import { diagnosePods } from '../diagnosis.ts';
import { lastWords } from '../last-words.ts';
import type { ObservedRun, RunEnd } from './plan.ts';

/** A Job and its pods as one run. The pod is asked first: the Job controller takes up to a second longer to say the same. */
export function observeRun(job: Job, pods: readonly Pod[]): ObservedRun {
  const { labels = {}, annotations, name, creationTimestamp } = job.metadata;
  return {
    name,
    number: Number(labels[RUN_LABEL]),
    inputHash: labels[INPUT_HASH_LABEL] ?? '',
    hasStarted: pods.some(hasStarted),
    startedAt: creationTimestamp,
    end: endOfPods(pods) ?? endOfJob(job, pods),
    ...(annotations && { annotations }),
  };
}

function hasStarted(pod: Pod): boolean {
  const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  return containers.some(({ state }) => state?.running ?? state?.terminated);
}

function endOfPods(pods: readonly Pod[]): RunEnd | undefined {
  for (const pod of pods) {
    const terminated = pod.status?.containerStatuses?.find(({ name }) => name === JOB_CONTAINER)?.state?.terminated;
    if (!terminated) continue;
    const { exitCode, finishedAt, message = '', reason } = terminated;
    const result = parseResult(message);
    if (result?.ok && exitCode === 0) return { outcome: 'Succeeded', result, finishedAt };
    if (result && !result.ok)
      return { outcome: 'Failed', reason: result.reason, message: describeFailure(result), result, finishedAt };
    const words = lastWords(message);
    const how = `${reason ?? 'ended'} with exit code ${exitCode}`;
    return {
      outcome: 'Failed',
      reason: reason === 'OOMKilled' ? 'OutOfMemory' : 'NoResult',
      message: words ? `${how}: ${words}` : how,
      finishedAt,
    };
  }
  return undefined;
}

function endOfJob({ metadata, status }: Job, pods: readonly Pod[]): RunEnd | undefined {
  if (isConditionTrue(status?.conditions, 'Complete')) {
    // Its pod is gone, and the result with it: what Jobs do is safe to repeat.
    return {
      outcome: 'Failed',
      reason: 'NoResult',
      message: `the pod of ${metadata.name} was removed before its result was read`,
      finishedAt: status?.completionTime,
    };
  }
  const failed = findCondition(status?.conditions, 'Failed');
  if (failed?.status !== 'True') return undefined;
  const message = diagnosePods(pods) ?? failed.message ?? 'the Job failed';
  return { outcome: 'Failed', reason: failed.reason ?? 'Failed', message, finishedAt: failed.lastTransitionTime };
}

type Result = { ok: true } | { ok: false; reason: string; message: string; hop?: string };

function parseResult(message: string): Result | undefined {
  try {
    const result = JSON.parse(message) as Partial<Record<string, unknown>> | null;
    if (result?.ok === true) return result as Result;
    if (result?.ok === false && typeof result.reason === 'string') return { message: '', ...result } as Result;
  } catch {
    // Not a result: the program was killed, or never came so far.
  }
  return undefined;
}

function describeFailure({ message, hop }: Extract<Result, { ok: false }>): string {
  return hop ? `at ${hop}: ${message}` : message;
}
