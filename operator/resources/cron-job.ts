import { canonicalJson, hashOf } from '../runtime/hash.ts';
import type { CronJob } from '../runtime/known-resources.ts';
import { APPLIED_TEMPLATE_ANNOTATION, INPUT_HASH_LABEL, ownedMetadata, podLabels } from './labels.ts';
import { componentName } from './names.ts';
import type { Platform, Schedule, Service } from './platform.ts';
import type { PodTemplate } from './pod.ts';

/** Attempts of one run before it counts as failed. */
const RETRIES = 2;

/** Runs pods of the template to their end, on the service's schedule. */
export function serviceCronJob(
  platform: Platform,
  service: Service,
  { cron, timeZone, concurrencyPolicy }: Schedule,
  template: PodTemplate,
): CronJob {
  const cronJob: CronJob = {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: ownedMetadata(platform, componentName(platform.name, service.name), service.name, 'service'),
    spec: {
      schedule: cron,
      ...(timeZone && { timeZone }),
      concurrencyPolicy,
      successfulJobsHistoryLimit: 1,
      failedJobsHistoryLimit: 1,
      jobTemplate: { spec: { backoffLimit: RETRIES, template } },
    },
  };
  return withRunTemplate(cronJob, template, podLabels(platform, service.name, 'service'));
}

/** The CronJob with another pod template. It is noted on it as the one that was applied, and its runs are labelled with its hash. */
export function withRunTemplate(cronJob: CronJob, template: PodTemplate, labels = runLabels(cronJob)): CronJob {
  const spec = cronJob.spec as NonNullable<CronJob['spec']>;
  const annotations = { ...cronJob.metadata.annotations, [APPLIED_TEMPLATE_ANNOTATION]: canonicalJson(template) };
  return {
    ...cronJob,
    metadata: { ...cronJob.metadata, annotations },
    spec: {
      ...spec,
      jobTemplate: {
        metadata: { labels: { ...labels, [INPUT_HASH_LABEL]: hashOf(template) } } as never,
        spec: { ...spec.jobTemplate.spec, template },
      },
    },
  };
}

/** The labels of the runs of a CronJob; those of its current template have all of them. */
export function runLabels({ spec }: CronJob): Record<string, string> {
  return (spec?.jobTemplate.metadata as { labels?: Record<string, string> } | undefined)?.labels ?? {};
}
