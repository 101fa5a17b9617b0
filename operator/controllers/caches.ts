import {
  Migrations,
  OrderPlatforms,
  SeedJobs,
  type Migration,
  type OrderPlatform,
  type SeedJob,
} from '../api/v1alpha1/index.ts';
import { MANAGED_SELECTOR, NAME_LABEL, PLATFORM_LABEL, REVISION_OF_LABEL } from '../resources/labels.ts';
import type { ServiceMonitor } from '../resources/service-monitor.ts';
import {
  ControllerRevisions,
  CronJobs,
  CustomResourceDefinitions,
  defineResource,
  Deployments,
  HorizontalPodAutoscalers,
  Ingresses,
  Jobs,
  NetworkPolicies,
  PersistentVolumeClaims,
  PodDisruptionBudgets,
  Pods,
  Secrets,
  ServiceAccounts,
  Services,
  StatefulSets,
  type ControllerRevision,
  type CustomResourceDefinition,
  type CronJob,
  type Deployment,
  type HorizontalPodAutoscaler,
  type Informer,
  type Ingress,
  type Job,
  type KubeObject,
  type Manager,
  type NetworkPolicy,
  type ObjectKey,
  type OptionalInformer,
  type PersistentVolumeClaim,
  type Pod,
  type PodDisruptionBudget,
  type Secret,
  type Service,
  type ServiceAccount,
  type StatefulSet,
} from '../runtime/index.ts';

/** What the controllers see of the cluster. Of everything but our own kinds, only what the operator made. */
export interface Caches {
  platforms: Informer<OrderPlatform>;
  migrations: Informer<Migration>;
  seedJobs: Informer<SeedJob>;
  deployments: Informer<Deployment>;
  statefulSets: Informer<StatefulSet>;
  /** Of our own making: the StatefulSet controller's carry our labels too. */
  revisions: Informer<ControllerRevision>;
  services: Informer<Service>;
  serviceAccounts: Informer<ServiceAccount>;
  secrets: Informer<Secret>;
  jobs: Informer<Job>;
  pods: Informer<Pod>;
  claims: Informer<PersistentVolumeClaim>;
  cronJobs: Informer<CronJob>;
  autoscalers: Informer<HorizontalPodAutoscaler>;
  disruptionBudgets: Informer<PodDisruptionBudget>;
  networkPolicies: Informer<NetworkPolicy>;
  ingresses: Informer<Ingress>;
  serviceMonitors: OptionalInformer<ServiceMonitor>;
  /** The definitions of kinds that a cluster may not have. */
  definitions: Informer<CustomResourceDefinition>;
}

export const ServiceMonitors = defineResource<ServiceMonitor>(
  'monitoring.coreos.com/v1',
  'ServiceMonitor',
  'servicemonitors',
);

/** Where an autoscaler, or a person, may have had a say. */
export const REPLICAS_PATH = 'spec.replicas';

const BY_PLATFORM = 'platform';

export function createCaches(manager: Pick<Manager, 'informer' | 'optionalInformer'>): Caches {
  const managed = { labelSelector: MANAGED_SELECTOR };
  const definitions = manager.informer(CustomResourceDefinitions, {
    fieldSelector: `metadata.name=${ServiceMonitors.plural}.${ServiceMonitors.group}`,
    // Of a kind that is in no namespace: an operator with rights in some namespaces may have none to it.
    mayBeRefused: true,
  });
  const caches: Caches = {
    platforms: manager.informer(OrderPlatforms),
    migrations: manager.informer(Migrations),
    seedJobs: manager.informer(SeedJobs),
    deployments: manager.informer(Deployments, { ...managed, managersOf: [REPLICAS_PATH] }),
    statefulSets: manager.informer(StatefulSets, managed),
    revisions: manager.informer(ControllerRevisions, { labelSelector: `${MANAGED_SELECTOR},${REVISION_OF_LABEL}` }),
    services: manager.informer(Services, managed),
    serviceAccounts: manager.informer(ServiceAccounts, managed),
    secrets: manager.informer(Secrets, managed),
    jobs: manager.informer(Jobs, managed),
    pods: manager.informer(Pods, managed),
    claims: manager.informer(PersistentVolumeClaims, managed),
    networkPolicies: manager.informer(NetworkPolicies, managed),
    ingresses: manager.informer(Ingresses, managed),
    serviceMonitors: manager.optionalInformer(ServiceMonitors, definitions, managed),
    definitions,
    cronJobs: manager.informer(CronJobs, managed),
    autoscalers: manager.informer(HorizontalPodAutoscalers, managed),
    disruptionBudgets: manager.informer(PodDisruptionBudgets, managed),
  };
  const { platforms: _, definitions: __, migrations, seedJobs, ...made } = caches;
  migrations.addIndex(BY_PLATFORM, referredPlatform);
  seedJobs.addIndex(BY_PLATFORM, referredPlatform);
  for (const informer of Object.values(made) as Informer[]) informer.addIndex(BY_PLATFORM, labelledPlatform);
  return caches;
}

/** The objects that are of a platform: by their label, or for our own kinds by their `platformRef`. */
export function ofPlatform<T extends KubeObject>(informer: Informer<T>, platform: ObjectKey): T[] {
  return informer.byIndex(BY_PLATFORM, indexValue(platform));
}

/** The pods of a platform's service, store or broker. */
export function podsOfComponent({ pods }: Pick<Caches, 'pods'>, platform: ObjectKey, component: string): Pod[] {
  return ofPlatform(pods, platform).filter(({ metadata }) => metadata.labels?.[NAME_LABEL] === component);
}

/** Whether none of its containers runs any more, nor will. */
export function hasEnded({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** The platform that an object is labelled with. */
export function platformOf(object: KubeObject): ObjectKey[] {
  const name = object.metadata.labels?.[PLATFORM_LABEL];
  return name ? [{ namespace: object.metadata.namespace ?? '', name }] : [];
}

/** The platform that a Migration or SeedJob works on. */
export function platformReferredBy(object: Migration | SeedJob): ObjectKey[] {
  const name = object.spec.platformRef?.name;
  return name ? [{ namespace: object.metadata.namespace ?? '', name }] : [];
}

const indexValue = ({ namespace, name }: ObjectKey) => `${namespace}/${name}`;
const labelledPlatform = (object: KubeObject) => platformOf(object).map(indexValue);
const referredPlatform = (object: Migration | SeedJob) => platformReferredBy(object).map(indexValue);
