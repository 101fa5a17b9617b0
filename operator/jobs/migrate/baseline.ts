import type { MigrateInput } from '../contract.ts';
import { JobError } from '../failures.ts';
import type { Target } from './engine.ts';
import type { LedgerEntry } from './ledger.ts';
import { compareVersions, type MigrationFile } from './source.ts';

const NAMED = 3;

/**
 * The version that a database without ledger counts as: none where nothing is in it, so that a fresh one gets every migration. One
 * with tables of people's is not guessed about.
 */
export async function baselineOf(
  target: Target,
  source: readonly MigrationFile[],
  { baseline, database }: Pick<MigrateInput, 'baseline' | 'database'>,
): Promise<string | undefined> {
  const existing = await target.existing();
  if (existing.length === 0) return undefined;
  const newest = source.at(-1);
  if (baseline === undefined) {
    const more = existing.length > NAMED ? ` and ${existing.length - NAMED} more` : '';
    throw new JobError(
      'BaselineRequired',
      `${database} has ${existing.slice(0, NAMED).join(', ')}${more}, and no ledger of migrations: set baseline to the version that it is at, so that only what is newer is applied, or to 0 to apply all`,
    );
  }
  if (newest && compareVersions(baseline, newest.version) > 0) {
    throw new JobError('UnknownVersion', `baseline ${baseline} is above the source's newest, ${newest.version}`);
  }
  return baseline;
}

/** What stands in the ledger for everything up to a version. */
export function baselineEntry(version: string, run: string): LedgerEntry {
  return {
    version,
    name: 'baseline',
    kind: 'baseline',
    state: 'applied',
    checksum: '',
    appliedAt: new Date().toISOString(),
    durationMs: 0,
    run,
  };
}
