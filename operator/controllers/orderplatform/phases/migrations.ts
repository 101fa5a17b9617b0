import type { Deps } from '../../deps.ts';
import { all, ensure } from '../../ensure.ts';
import { holds, pending, type Fact } from '../../fact.ts';
import { factOfFaults, migrationFault, wantedMigrations } from '../requirements.ts';
import type { Scope } from '../scope.ts';

/** Applies the Migrations of the release, and finds whether all of the platform's are done. */
export async function reconcileMigrations(deps: Deps, scope: Scope): Promise<Fact> {
  const { platform, desired } = scope;
  if (!desired) return pending('waits for credentials');
  await all(desired.migrations, (migration) => ensure(deps, deps.caches.migrations, platform, migration, scope));
  const names = [
    ...desired.migrations.map(({ metadata }) => metadata.name),
    ...wantedMigrations(deps, scope).map(({ metadata }) => metadata.name),
  ];
  const wanted = [...new Set(names)].sort();
  const faults = wanted.flatMap((name) => migrationFault(deps, platform, name) ?? []);
  const fact = factOfFaults(deps, platform, faults);
  if (fact) return fact;
  return wanted.length > 0
    ? holds('UpToDate', `${wanted.length} of ${wanted.length} migrations are ready`)
    : holds('NotRequested', 'the platform has no migrations');
}
