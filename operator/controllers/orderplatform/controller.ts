import { keyOf, specChanged, statusIgnored, watching, type Manager } from '../../runtime/index.ts';
import { REQUESTED_AT } from '../../resources/labels.ts';
import { platformOf, platformReferredBy } from '../caches.ts';
import type { Deps } from '../deps.ts';
import { reconcilePlatform } from './reconcile.ts';
import { ROTATE_ANNOTATION } from './rotation.ts';

/** Everything of a platform wakes it, by label: what is retained has no owner. */
export function platformController(manager: Manager, deps: Deps): void {
  const { platforms, migrations, seedJobs, definitions, autoscalers, disruptionBudgets, ...made } = deps.caches;
  manager.controller({
    name: 'orderplatform',
    for: platforms,
    predicate: specChanged({ annotations: [REQUESTED_AT, ROTATE_ANNOTATION] }),
    watches: [
      watching(migrations, platformReferredBy),
      watching(seedJobs, platformReferredBy),
      // A kind that comes or goes is every platform's affair.
      watching(definitions, () => platforms.list().map(keyOf)),
      // An autoscaler notes the load that it sees every few seconds, a budget every pod that comes and goes.
      ...[autoscalers, disruptionBudgets].map(
        (informer) => ({ informer, map: platformOf, predicate: statusIgnored() }) as never,
      ),
      ...Object.values(made).map((informer) => ({ informer, map: platformOf }) as never),
    ],
    reconcile: (key, context) => reconcilePlatform(deps, key, context),
    concurrency: 8,
  });
}
