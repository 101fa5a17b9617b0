import { OrderPlatforms, type OrderPlatform } from '../../api/v1alpha1/index.ts';
import {
  done,
  hasFinalizer,
  isDeleting,
  keyOf,
  Namespaces,
  removeFinalizer,
  requeueAfter,
  type KubeObject,
  type ReconcileContext,
  type Result,
} from '../../runtime/index.ts';
import type { Deps } from '../deps.ts';
import { objectsOf, podsOf, TEARDOWN, type Found } from './teardown.ts';

export const FINALIZER = 'orderplane.dev/teardown';

/** After this the platform goes even if something of it does not: a finalizer must not hold up a namespace for ever. */
const TEARDOWN_LIMIT_MS = 60_000;
const LOOK_AGAIN_MS = 1_000;

/** Takes a platform down in order, then lets it go. What is owned and of no step is garbage-collected with it. */
export async function finalize(deps: Deps, object: OrderPlatform, { signal, log }: ReconcileContext): Promise<Result> {
  const { client, recorder, clock } = deps;
  if (!hasFinalizer(object, FINALIZER)) return done();
  if (!(await isNamespaceGoing(deps, object, signal))) {
    const elapsed = clock.now().getTime() - Date.parse(object.metadata.deletionTimestamp ?? '');
    const left: KubeObject[] = [];
    for (const step of TEARDOWN) {
      if (step.policy && step.policy !== object.spec.deletionPolicy) continue;
      const found = objectsOf(deps.caches, object, step);
      await remove(deps, object, step.what, found, signal);
      const remaining = [...found.map((each) => each.object), ...podsOf(deps.caches, object, step)];
      if (remaining.length > 0 && elapsed < TEARDOWN_LIMIT_MS) return requeueAfter(LOOK_AGAIN_MS);
      left.push(...remaining);
    }
    if (left.length > 0) {
      const names = left.map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ');
      const message = `the platform goes without waiting any longer for ${names}`;
      recorder.event(object, { type: 'Warning', reason: 'TeardownIncomplete', message });
    }
    recorder.event(object, { type: 'Normal', reason: 'TornDown', message: whatStays(object) });
  }
  log.info('torn down');
  await removeFinalizer(client, OrderPlatforms, object, FINALIZER, { signal });
  return done();
}

/** In a namespace that is being deleted everything goes at once, and nothing can be held. */
async function isNamespaceGoing({ client }: Deps, { metadata }: OrderPlatform, signal: AbortSignal): Promise<boolean> {
  const namespace = await client.get(Namespaces, { namespace: '', name: metadata.namespace ?? '' }, { signal });
  return namespace === undefined || isDeleting(namespace);
}

/** Deletes what is not being deleted yet. The event is worded so that repetitions are one. */
async function remove(
  { client, recorder }: Deps,
  platform: OrderPlatform,
  what: string,
  found: readonly Found[],
  signal: AbortSignal,
): Promise<void> {
  const due = found.filter(({ object }) => !isDeleting(object));
  if (due.length === 0) return;
  recorder.event(platform, { type: 'Normal', reason: 'TearingDown', message: `deleting ${what}` });
  for (const { informer, object } of due)
    await client.delete(informer.resource, keyOf(object), { uid: object.metadata.uid, signal });
}

function whatStays({ spec, status }: OrderPlatform): string {
  if (spec.deletionPolicy !== 'Delete')
    return 'what ran is gone; volumes and credentials stay, and a platform of this name takes them over';
  const databases = (status?.databases ?? [])
    .filter(({ engine }) => spec.stores?.[engine]?.external)
    .map(({ engine, name }) => `${engine}/${name}`);
  if (databases.length === 0) return 'what ran is gone, volumes and credentials with it';
  return `what ran is gone, credentials with it; on external servers these databases and the roles of their services stay, drop them there: ${databases.join(', ')}`;
}
