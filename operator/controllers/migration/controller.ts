import { REQUESTED_AT } from '../../resources/labels.ts';
import { keyOf, specChanged, watching, type Manager } from '../../runtime/index.ts';
import { ofPlatform } from '../caches.ts';
import type { Deps } from '../deps.ts';
import { runOwner } from '../runs/owner.ts';
import { reconcileMigration } from './reconcile.ts';

export function migrationController(manager: Manager, deps: Deps): void {
  const { migrations, platforms, jobs, pods } = deps.caches;
  manager.controller({
    name: 'migration',
    for: migrations,
    predicate: specChanged({ annotations: [REQUESTED_AT] }),
    owns: [jobs],
    watches: [
      watching(pods, runOwner(jobs, 'Migration')),
      watching(migrations, ({ metadata }) =>
        migrations
          .list({ namespace: metadata.namespace ?? '' })
          .filter(({ spec }) => spec.after?.some(({ migration }) => migration === metadata.name))
          .map(keyOf),
      ),
      watching(platforms, (platform) => ofPlatform(migrations, keyOf(platform)).map(keyOf)),
    ],
    reconcile: (key, context) => reconcileMigration(deps, key, context),
    concurrency: 4,
  });
}
