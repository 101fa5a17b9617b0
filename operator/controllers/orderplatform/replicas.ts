import type { Autoscaling } from '../../resources/platform.ts';
import { DEFAULT_FIELD_MANAGER, managersOf, type Deployment } from '../../runtime/index.ts';
import { REPLICAS_PATH } from '../caches.ts';

/**
 * The Deployment with the number of pods that it is to be applied with. Where an autoscaler decides, that is the live number, for as
 * long as we alone own it: a field that its only owner stops applying falls back to its default, which is 1 pod. Once the autoscaler
 * owns it too, it is left to it.
 */
export function withLiveReplicas(
  desired: Deployment,
  live: Deployment | undefined,
  autoscaling: Autoscaling | undefined,
): Deployment {
  if (!autoscaling || !live) return desired;
  const { replicas: _, ...spec } = desired.spec as NonNullable<Deployment['spec']>;
  if (managersOf(live, REPLICAS_PATH).some((manager) => manager !== DEFAULT_FIELD_MANAGER)) return { ...desired, spec };
  const { minReplicas, maxReplicas } = autoscaling;
  const replicas = Math.min(Math.max(live.spec?.replicas ?? minReplicas, minReplicas), maxReplicas);
  return { ...desired, spec: { ...spec, replicas } };
}
