import { APPLIED_TEMPLATE_ANNOTATION } from '../../../resources/labels.ts';
import type { Deployment } from '../../../runtime/index.ts';
import { isObserved } from '../../observed.ts';

/**
 * All pods are of the current template and ready. @param enough pods that do where an autoscaler decides on their number: those that it
 * has just added may still start.
 */
export function isAvailable(deployment: Deployment, enough?: number): boolean {
  const { spec, status } = deployment;
  const wanted = spec?.replicas ?? 1;
  const available = status?.availableReplicas ?? 0;
  const updated = status?.updatedReplicas ?? 0;
  if (enough !== undefined) {
    const isRolledOut = updated === (status?.replicas ?? 0);
    return isTemplateSeen(deployment) && isRolledOut && available >= Math.min(enough, wanted);
  }
  return isObserved(deployment) && updated >= wanted && available >= wanted && (status?.unavailableReplicas ?? 0) === 0;
}

interface Seen {
  generation: number | undefined;
  template: string | undefined;
}

/** What Deployments with an autoscaler were when their status was last about what they were, by uid. */
const lastSeen = new Map<string, Seen>();
const MAX_REMEMBERED = 20_000;

/** Whether it has seen the template, if not the number of pods that the autoscaler has just changed: it counts pods of that template. */
function isTemplateSeen(deployment: Deployment): boolean {
  const { metadata, status } = deployment;
  const { uid = '', generation } = metadata;
  const template = metadata.annotations?.[APPLIED_TEMPLATE_ANNOTATION];
  if (!isObserved(deployment)) {
    const seen = lastSeen.get(uid);
    return seen !== undefined && seen.generation === status?.observedGeneration && seen.template === template;
  }
  lastSeen.delete(uid);
  lastSeen.set(uid, { generation, template });
  if (lastSeen.size > MAX_REMEMBERED) lastSeen.delete(lastSeen.keys().next().value as string);
  return true;
}
