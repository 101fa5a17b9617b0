/** How many pods a service has, and who decides. */
import type { Profile, ServiceSpec } from '../api/v1alpha1/index.ts';
import type { HorizontalPodAutoscaler, PodDisruptionBudget } from '../runtime/known-resources.ts';
import { ownedMetadata, selectorLabels } from './labels.ts';
import { componentName } from './names.ts';
import type { Autoscaling, Platform, Service } from './platform.ts';

/** Pods of a service, by profile, where it does not say how many. */
const REPLICAS: Readonly<Record<Profile, number>> = { dev: 1, staging: 2, prod: 3 };
/** In prod a service grows to this many times its pods. */
const GROWTH = 2;
const TARGET_PERCENT = 80;

/** The bounds in which a service is scaled by its load; undefined where its number of pods is fixed. */
export function autoscalingOf(spec: ServiceSpec, profile: Profile): Autoscaling | undefined {
  if (spec.schedule !== undefined || spec.replicas !== undefined) return undefined;
  const usual = REPLICAS[profile];
  const asked = spec.autoscaling ?? (profile === 'prod' ? { maxReplicas: usual * GROWTH } : undefined);
  if (!asked) return undefined;
  return {
    minReplicas: asked.minReplicas ?? Math.min(usual, asked.maxReplicas),
    maxReplicas: asked.maxReplicas,
    targetCPUUtilizationPercentage: asked.targetCPUUtilizationPercentage ?? TARGET_PERCENT,
  };
}

/** The pods that a service has, or starts with where it is autoscaled. */
export function replicasOf(spec: ServiceSpec, profile: Profile): number {
  return spec.replicas ?? autoscalingOf(spec, profile)?.minReplicas ?? REPLICAS[profile];
}

/** Scales the Deployment of the same name. */
export function horizontalPodAutoscaler(platform: Platform, service: Service): HorizontalPodAutoscaler | undefined {
  if (!service.autoscaling) return undefined;
  const { minReplicas, maxReplicas, targetCPUUtilizationPercentage: averageUtilization } = service.autoscaling;
  const name = componentName(platform.name, service.name);
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: ownedMetadata(platform, name, service.name, 'service'),
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas,
      maxReplicas,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization } } }],
    },
  };
}

/** Lets nodes be drained one pod at a time. Not for a single pod: it could never be moved, or the budget would say nothing. */
export function podDisruptionBudget(platform: Platform, service: Service): PodDisruptionBudget | undefined {
  if (service.schedule || service.replicas <= 1) return undefined;
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: ownedMetadata(platform, componentName(platform.name, service.name), service.name, 'service'),
    spec: {
      maxUnavailable: 1,
      // Pods that do not work anyway must not keep a node from being drained.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
      selector: { matchLabels: selectorLabels(platform, service.name, 'service') },
    },
  };
}
