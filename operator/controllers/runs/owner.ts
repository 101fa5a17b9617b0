import { controllerOf, type Informer, type Job, type ObjectKey, type Pod } from '../../runtime/index.ts';

export const JOB_NAME_LABEL = 'batch.kubernetes.io/job-name';

/** Maps the pod of a Job to the object of that kind that the Job is run for. */
export function runOwner(jobs: Informer<Job>, kind: 'Migration' | 'SeedJob'): (pod: Pod) => ObjectKey[] {
  return ({ metadata: { namespace = '', labels } }) => {
    const job = jobs.get({ namespace, name: labels?.[JOB_NAME_LABEL] ?? '' });
    const owner = job && controllerOf(job);
    return owner?.kind === kind ? [{ namespace, name: owner.name }] : [];
  };
}
