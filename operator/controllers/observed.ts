import type { Deployment, StatefulSet } from '../runtime/index.ts';

/** Whether the controller of a workload has seen it as it is: before that, the status is about what it was. */
export function isObserved({ metadata, status }: Deployment | StatefulSet): boolean {
  return (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0);
}
