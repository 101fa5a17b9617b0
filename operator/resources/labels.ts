/** Labels and owners of every object, in one place. */
import { API_VERSION } from '../api/v1alpha1/index.ts';
import type { ObjectMeta, OwnerReference } from '../runtime/resource.ts';

export const PLATFORM_LABEL = 'orderplane.dev/platform';
export const RUN_LABEL = 'orderplane.dev/run';
export const RUN_OF_LABEL = 'orderplane.dev/run-of';
export const INPUT_HASH_LABEL = 'orderplane.dev/input-hash';
/** On a revision: the component that the template is of. */
export const REVISION_OF_LABEL = 'orderplane.dev/revision-of';
/** The component that an object is of. */
export const NAME_LABEL = 'app.kubernetes.io/name';
export const MANAGED_BY_LABEL = 'app.kubernetes.io/managed-by';
export const MANAGER = 'orderplane';
/** Selects everything that the operator made, of any platform. */
export const MANAGED_SELECTOR = `${MANAGED_BY_LABEL}=${MANAGER}`;

/** Rolls the pods when what they read at start has changed. */
export const CONFIG_HASH_ANNOTATION = 'orderplane.dev/config-hash';
/** A person's, on any of our kinds: a new value has what failed tried again, or what was done run again. */
export const REQUESTED_AT = 'orderplane.dev/requestedAt';
/** The pod template as last applied: what is put back while a newer one has to wait. */
export const APPLIED_TEMPLATE_ANNOTATION = 'orderplane.dev/applied-template';

/** What the objects of a platform are made for. */
export interface PlatformIdentity {
  name: string;
  namespace: string;
  uid: string;
  version: string;
}

export type Role = 'store' | 'broker' | 'service' | 'job' | 'migration' | 'edge' | 'revision' | 'volume';
type Labels = Record<string, string>;

const common: Labels = { 'app.kubernetes.io/part-of': 'orderplane', [MANAGED_BY_LABEL]: MANAGER };

/**
 * What Services and workloads select pods by; it never changes. Without the instance label: the StatefulSet controller copies the
 * selector onto volume claims, which must not have it.
 */
export function selectorLabels(platform: { name: string }, component: string, role: Role): Labels {
  return {
    [NAME_LABEL]: component,
    'app.kubernetes.io/component': role,
    [PLATFORM_LABEL]: platform.name,
  };
}

/** Labels of pods: without the version, which would restart them for nothing. */
export function podLabels(platform: { name: string }, component: string, role: Role): Labels {
  return { ...selectorLabels(platform, component, role), ...common, 'app.kubernetes.io/instance': platform.name };
}

/** Metadata of an object that goes with its platform. */
export function ownedMetadata(platform: PlatformIdentity, name: string, component: string, role: Role): ObjectMeta {
  return {
    name,
    namespace: platform.namespace,
    labels: { ...podLabels(platform, component, role), 'app.kubernetes.io/version': platform.version },
    ownerReferences: [platformReference(platform)],
  };
}

/**
 * Metadata of what outlives the platform: credentials and volumes. No owner (garbage collection would take it) and no instance label
 * (GitOps tools would prune by it); found again by the platform label.
 */
export function retainedLabels(platform: { name: string }, component: string, role: Role): Labels {
  return { ...selectorLabels(platform, component, role), ...common };
}

/** Keeps Argo CD from deleting what is to stay. */
export const retainedAnnotations: Record<string, string> = {
  'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false',
};

export function platformReference(platform: PlatformIdentity): OwnerReference {
  return ownerReference('OrderPlatform', platform.name, platform.uid);
}

export function ownerReference(
  kind: 'OrderPlatform' | 'Migration' | 'SeedJob',
  name: string,
  uid: string,
): OwnerReference {
  return { apiVersion: API_VERSION, kind, name, uid, controller: true, blockOwnerDeletion: true };
}
