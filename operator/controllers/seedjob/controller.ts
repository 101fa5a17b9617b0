import { keyOf, specChanged, watching, type Manager } from '../../runtime/index.ts';
import { REQUESTED_AT } from '../../resources/labels.ts';
import { ofPlatform } from '../caches.ts';
import type { Deps } from '../deps.ts';
import { runOwner } from '../runs/owner.ts';
import { reconcileSeedJob } from './reconcile.ts';

export function seedJobController(manager: Manager, deps: Deps): void {
  const { seedJobs, migrations, platforms, jobs, pods } = deps.caches;
  manager.controller({
    name: 'seedjob',
    for: seedJobs,
    predicate: specChanged({ annotations: [REQUESTED_AT] }),
    owns: [jobs],
    watches: [
      watching(pods, runOwner(jobs, 'SeedJob')),
      watching(platforms, (platform) => ofPlatform(seedJobs, keyOf(platform)).map(keyOf)),
      watching(migrations, ({ metadata }) =>
        seedJobs
          .list({ namespace: metadata.namespace ?? '' })
          .filter(({ spec }) => spec.after?.some(({ migration }) => migration === metadata.name))
          .map(keyOf),
      ),
    ],
    reconcile: (key, context) => reconcileSeedJob(deps, key, context),
    concurrency: 2,
  });
}
