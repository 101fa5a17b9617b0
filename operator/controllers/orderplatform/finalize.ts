import { OrderPlatforms, type OrderPlatform } from '../../api/v1alpha1/index.ts';
import type { Role } from '../../resources/labels.ts';
import {
  done,
  hasFinalizer,
  isDeleting,
  keyOf,
  Namespaces,
  removeFinalizer,
  requeueAfter,
  type Informer,
  type KubeObject,
  type ReconcileContext,
  type Result,
} from '../../runtime/index.ts';
import { ofPlatform } from '../caches.ts';
import type { Deps } from '../deps.ts';

export const FINALIZER = 'orderplane.dev/teardown';

/** After this the platform goes even if something of it does not: a finalizer must not hold up a namespace for ever. */
const TEARDOWN_LIMIT_MS = 60_000;
const LOOK_AGAIN_MS = 1_000;

/** What is taken down together, and the roles of the pods to wait for. */
type Step = { informers: (caches: Deps['caches']) => Informer[]; roles: readonly Role[] };

/** In reverse: nobody is led here any more, then services stop before the stores that they write to. The rest is garbage-collected with the platform. */
const STEPS: readonly Step[] = [
  { informers: ({ ingresses }) => [ingresses] as Informer[], roles: [] },
  { informers: ({ deployments, jobs }) => [deployments, jobs] as Informer[], roles: ['service'] },
  { informers: ({ statefulSets }) => [statefulSets] as Informer[], roles: ['store', 'broker'] },
];

/** Takes a platform down in order, then lets it go. Credentials and volumes stay: they have no owner. */
export async function finalize(deps: Deps, object: OrderPlatform, { signal, log }: ReconcileContext): Promise<Result> {
  const { client, caches, recorder, clock } = deps;
  if (!hasFinalizer(object, FINALIZER)) return done();
  const elapsed = clock.now().getTime() - Date.parse(object.metadata.deletionTimestamp ?? '');
  if (!(await isNamespaceGoing(deps, object, signal))) {
    for (const step of STEPS) {
      const left = await takeDown(deps, object, step, signal);
      if (left.length === 0) continue;
      if (elapsed < TEARDOWN_LIMIT_MS) return requeueAfter(LOOK_AGAIN_MS);
      const names = left.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ');
      recorder.event(object, {
        type: 'Warning',
        reason: 'TeardownIncomplete',
        message: `gone without waiting any longer for ${names}`,
      });
      break;
    }
  }
  log.info({ volumesKept: ofPlatform(caches.claims, keyOf(object)).length }, 'torn down');
  await removeFinalizer(client, OrderPlatforms, object, FINALIZER, { signal });
  return done();
}

/** In a namespace that is being deleted everything goes at once, and nothing can be held. */
async function isNamespaceGoing({ client }: Deps, { metadata }: OrderPlatform, signal: AbortSignal): Promise<boolean> {
  const namespace = await client.get(Namespaces, { namespace: '', name: metadata.namespace ?? '' }, { signal });
  return namespace === undefined || isDeleting(namespace);
}

/** Deletes what a step is about; returns what is still there, pods included. */
async function takeDown(
  { client, caches }: Deps,
  object: OrderPlatform,
  { informers, roles }: Step,
  signal: AbortSignal,
): Promise<KubeObject[]> {
  const { uid = '', namespace = '' } = object.metadata;
  const left: KubeObject[] = [];
  for (const informer of informers(caches)) {
    for (const found of informer.byOwner(uid)) {
      left.push(found);
      const { name } = found.metadata;
      if (!isDeleting(found))
        await client.delete(informer.resource, { namespace, name }, { uid: found.metadata.uid, signal });
    }
  }
  const pods = ofPlatform(caches.pods, keyOf(object)).filter(({ metadata }) =>
    roles.some((role) => role === metadata.labels?.['app.kubernetes.io/component']),
  );
  return [...left, ...pods];
}
