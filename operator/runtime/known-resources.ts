import type {
  EventsV1Event,
  V1ConfigMap,
  V1ControllerRevision,
  V1CronJob,
  V1CustomResourceDefinition,
  V1Deployment,
  V1Ingress,
  V1IngressClass,
  V1Job,
  V1Lease,
  V1Namespace,
  V1NetworkPolicy,
  V1Node,
  V1PersistentVolume,
  V1PersistentVolumeClaim,
  V1Pod,
  V1PodDisruptionBudget,
  V1ReplicaSet,
  V1Secret,
  V1Service,
  V1ServiceAccount,
  V1StatefulSet,
  V1StorageClass,
  V2HorizontalPodAutoscaler,
} from '@kubernetes/client-node';
import { defineResource, type KubeObject } from './resource.ts';

/** A type of client-node as it is on the wire: dates are strings, and names that its generator had to escape are plain. */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer U)[]
    ? Wire<U>[]
    : T extends object
      ? { [K in keyof T as K extends `_${infer N}` ? N : K]: Wire<T[K]> }
      : T;

type WireObject<T> = KubeObject & Wire<Omit<T, 'apiVersion' | 'kind' | 'metadata'>>;

export type Pod = WireObject<V1Pod>;
export type Service = WireObject<V1Service>;
export type Secret = WireObject<V1Secret>;
export type ConfigMap = WireObject<V1ConfigMap>;
export type Namespace = WireObject<V1Namespace>;
export type Node = WireObject<V1Node>;
export type ServiceAccount = WireObject<V1ServiceAccount>;
export type PersistentVolumeClaim = WireObject<V1PersistentVolumeClaim>;
export type PersistentVolume = WireObject<V1PersistentVolume>;
export type Deployment = WireObject<V1Deployment>;
export type StatefulSet = WireObject<V1StatefulSet>;
export type ReplicaSet = WireObject<V1ReplicaSet>;
export type ControllerRevision = WireObject<V1ControllerRevision>;
export type Job = WireObject<V1Job>;
export type Lease = WireObject<V1Lease>;
export type CronJob = WireObject<V1CronJob>;
export type Event = WireObject<EventsV1Event>;
export type CustomResourceDefinition = WireObject<V1CustomResourceDefinition>;
export type Ingress = WireObject<V1Ingress>;
export type IngressClass = WireObject<V1IngressClass>;
export type NetworkPolicy = WireObject<V1NetworkPolicy>;
export type PodDisruptionBudget = WireObject<V1PodDisruptionBudget>;
export type HorizontalPodAutoscaler = WireObject<V2HorizontalPodAutoscaler>;
export type StorageClass = WireObject<V1StorageClass>;

export const Pods = defineResource<Pod>('v1', 'Pod', 'pods');
export const Services = defineResource<Service>('v1', 'Service', 'services');
export const Secrets = defineResource<Secret>('v1', 'Secret', 'secrets');
export const ConfigMaps = defineResource<ConfigMap>('v1', 'ConfigMap', 'configmaps');
export const Namespaces = defineResource<Namespace>('v1', 'Namespace', 'namespaces', { namespaced: false });
export const Nodes = defineResource<Node>('v1', 'Node', 'nodes', { namespaced: false });
export const ServiceAccounts = defineResource<ServiceAccount>('v1', 'ServiceAccount', 'serviceaccounts');
export const PersistentVolumeClaims = defineResource<PersistentVolumeClaim>(
  'v1',
  'PersistentVolumeClaim',
  'persistentvolumeclaims',
);
export const PersistentVolumes = defineResource<PersistentVolume>('v1', 'PersistentVolume', 'persistentvolumes', {
  namespaced: false,
});
export const Deployments = defineResource<Deployment>('apps/v1', 'Deployment', 'deployments');
export const StatefulSets = defineResource<StatefulSet>('apps/v1', 'StatefulSet', 'statefulsets');
export const ReplicaSets = defineResource<ReplicaSet>('apps/v1', 'ReplicaSet', 'replicasets');
export const ControllerRevisions = defineResource<ControllerRevision>(
  'apps/v1',
  'ControllerRevision',
  'controllerrevisions',
);
export const Jobs = defineResource<Job>('batch/v1', 'Job', 'jobs');
export const Leases = defineResource<Lease>('coordination.k8s.io/v1', 'Lease', 'leases');
export const CronJobs = defineResource<CronJob>('batch/v1', 'CronJob', 'cronjobs');
export const Events = defineResource<Event>('events.k8s.io/v1', 'Event', 'events');
export const CustomResourceDefinitions = defineResource<CustomResourceDefinition>(
  'apiextensions.k8s.io/v1',
  'CustomResourceDefinition',
  'customresourcedefinitions',
  { namespaced: false },
);
export const NetworkPolicies = defineResource<NetworkPolicy>(
  'networking.k8s.io/v1',
  'NetworkPolicy',
  'networkpolicies',
);
export const Ingresses = defineResource<Ingress>('networking.k8s.io/v1', 'Ingress', 'ingresses');
export const IngressClasses = defineResource<IngressClass>('networking.k8s.io/v1', 'IngressClass', 'ingressclasses', {
  namespaced: false,
});
export const PodDisruptionBudgets = defineResource<PodDisruptionBudget>(
  'policy/v1',
  'PodDisruptionBudget',
  'poddisruptionbudgets',
);
export const HorizontalPodAutoscalers = defineResource<HorizontalPodAutoscaler>(
  'autoscaling/v2',
  'HorizontalPodAutoscaler',
  'horizontalpodautoscalers',
);
export const StorageClasses = defineResource<StorageClass>('storage.k8s.io/v1', 'StorageClass', 'storageclasses', {
  namespaced: false,
});
