/** What goes when, once a platform is deleted: the reverse of how it came up, so that nothing writes to what is gone. */
import type { OrderPlatform, OrderPlatformSpec } from '../../api/v1alpha1/index.ts';
import type { Role } from '../../resources/labels.ts';
import { controllerOf, keyOf, type Informer, type KubeObject, type Pod } from '../../runtime/index.ts';
import { ofPlatform, type Caches } from '../caches.ts';
import { isOurs } from '../ensure.ts';

export interface Step {
  /** In words, for the event. */
  what: string;
  kinds: (caches: Caches) => Informer[];
  /** Which objects of these kinds, by their role; undefined: those that have no owner. */
  role?: Role;
  /** Only under this deletionPolicy. */
  policy?: OrderPlatformSpec['deletionPolicy'];
}

/** A step begins when everything of the one before it is gone, pods included. */
export const TEARDOWN: readonly Step[] = [
  { what: 'the edge', kinds: ({ ingresses }) => [ingresses] as Informer[], role: 'edge' },
  { what: 'services', kinds: ({ deployments, cronJobs }) => [deployments, cronJobs] as Informer[], role: 'service' },
  { what: 'jobs', kinds: ({ jobs }) => [jobs] as Informer[], role: 'job' },
  { what: 'the broker', kinds: ({ statefulSets }) => [statefulSets] as Informer[], role: 'broker' },
  { what: 'stores', kinds: ({ statefulSets }) => [statefulSets] as Informer[], role: 'store' },
  { what: 'volumes', kinds: ({ claims }) => [claims] as Informer[], policy: 'Delete' },
  { what: 'credentials', kinds: ({ secrets }) => [secrets] as Informer[], policy: 'Delete' },
];

export interface Found {
  informer: Informer;
  object: KubeObject;
}

/** What a step deletes, as far as it is still there. */
export function objectsOf(caches: Caches, platform: OrderPlatform, step: Step): Found[] {
  const { name, uid = '' } = platform.metadata;
  const isOfStep = (object: KubeObject) => {
    if (step.role === undefined) return controllerOf(object) === undefined;
    // A Job of a Migration or SeedJob works on this platform's stores, and goes with them.
    return hasRole(object, step.role) && (step.role === 'job' || isOurs(object, { name, uid }));
  };
  return step.kinds(caches).flatMap((informer) =>
    ofPlatform(informer, keyOf(platform))
      .filter(isOfStep)
      .map((object) => ({ informer, object })),
  );
}

/** The pods that a step waits for. */
export function podsOf(caches: Caches, platform: OrderPlatform, { role }: Step): Pod[] {
  return role ? ofPlatform(caches.pods, keyOf(platform)).filter((pod) => hasRole(pod, role)) : [];
}

function hasRole({ metadata }: KubeObject, role: Role): boolean {
  return metadata.labels?.['app.kubernetes.io/component'] === role;
}
