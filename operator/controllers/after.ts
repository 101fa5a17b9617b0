/** What has to have happened before a Migration or SeedJob runs: `spec.after`. */
import { READY, type Migration } from '../api/v1alpha1/index.ts';
import { findCondition } from '../runtime/index.ts';
import type { Deps } from './deps.ts';
import { hasReached } from './versions.ts';

/** A Migration that has to be Ready, and the version that it has to have reached. */
export interface Prerequisite {
  migration: string;
  version?: string | undefined;
}

/** The first that has not happened, in words; undefined once all have. */
export function unmetMigration(
  { caches }: Pick<Deps, 'caches'>,
  namespace: string,
  after: readonly Prerequisite[] = [],
): string | undefined {
  for (const { migration: name, version } of after) {
    const migration = caches.migrations.get({ namespace, name });
    if (!migration) return `Migration ${name} does not exist`;
    const fault = unfinishedMigration(migration);
    if (fault) return fault;
    const current = migration.status?.currentVersion;
    if (version !== undefined && !hasReached(current, version))
      return `Migration ${name} is at version ${current ?? 'none'}, and ${version} is required`;
  }
  return undefined;
}

function unfinishedMigration({ metadata, status }: Migration): string | undefined {
  const ready = findCondition(status?.conditions, READY);
  const isReady = ready?.status === 'True' && ready.observedGeneration === metadata.generation;
  return isReady ? undefined : `Migration ${metadata.name} is not ready`;
}
