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

function unfinishedMigration(migration: Migration): string | undefined {
  const { metadata, status } = migration;
  const ready = findCondition(status?.conditions, READY);
  const isReady = ready?.status === 'True' && ready.observedGeneration === metadata.generation;
  return isReady ? onlyPlanned(migration) : `Migration ${metadata.name} is not ready`;
}

/** A plan is Ready when it has been made: what it would do has not happened. */
export function onlyPlanned({ metadata, spec, status }: Migration): string | undefined {
  if (spec.mode !== 'Plan' || !status?.plan) return undefined;
  return `Migration ${metadata.name} only plans ${status.plan.pending.join(', ')}: set its spec.mode to Apply`;
}

/** The names by which a Migration waits for itself, itself first and last; undefined where it does not. */
export function waitingCycle(
  { caches }: Pick<Deps, 'caches'>,
  { metadata: { namespace = '', name }, spec }: Migration,
): string[] | undefined {
  const seen = new Set<string>();
  const search = (path: string[], after: readonly Prerequisite[]): string[] | undefined => {
    for (const { migration } of after) {
      if (migration === name) return [...path, name];
      if (seen.has(migration)) continue;
      seen.add(migration);
      const next = caches.migrations.get({ namespace, name: migration })?.spec.after ?? [];
      const found = search([...path, migration], next);
      if (found) return found;
    }
    return undefined;
  };
  return search([name], spec.after ?? []);
}
