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
    predicate: specChanged(),
    owns: [jobs],
    watches: [
      watching(pods, runOwner(jobs, 'Migration')),
      watching(platforms, (platform) => ofPlatform(migrations, keyOf(platform)).map(keyOf)),
    ],
    reconcile: (key, context) => reconcileMigration(deps, key, context),
    concurrency: 4,
  });
}
