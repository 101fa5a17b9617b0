import { JobError } from '../failures.ts';
import { compareVersions, type MigrationFile } from './source.ts';

/** What a target knows of a migration that was applied to it. The same for every engine. */
export interface LedgerEntry {
  version: string;
  name: string;
  checksum: string;
  appliedAt: string;
  durationMs: number;
  run: string;
}

/** The name of the ledger's table or collection, in the target itself. */
export const LEDGER = 'orderplane_migrations';

/**
 * What is left to apply. Refuses, by name, a ledger that the source cannot be the continuation of. Entries newer than the source's
 * newest are no fault: an older release may run on a newer schema.
 */
export function pendingMigrations(
  source: readonly MigrationFile[],
  ledger: readonly LedgerEntry[],
): readonly MigrationFile[] {
  const applied = new Map(ledger.map((entry) => [BigInt(entry.version), entry]));
  for (const migration of source) {
    const entry = applied.get(BigInt(migration.version));
    if (entry) refuseForeign(migration, entry);
    if (entry) refuseEdited(migration, entry);
  }
  refuseMissing(source, ledger);
  const pending = source.filter((migration) => !applied.has(BigInt(migration.version)));
  const newest = newestOf(ledger);
  const late = pending.find((migration) => newest && compareVersions(migration.version, newest.version) < 0);
  if (late && newest) {
    throw new JobError(
      'MigrationGap',
      `${late.file} has not been applied, but ${labelOf(newest)} has, and it comes after it: give it a version above ${newest.version}`,
    );
  }
  return pending;
}

export function newestOf(ledger: readonly LedgerEntry[]): LedgerEntry | undefined {
  return ledger.toSorted((a, b) => compareVersions(a.version, b.version)).at(-1);
}

function refuseForeign(migration: MigrationFile, entry: LedgerEntry): void {
  if (entry.name === migration.name) return;
  throw new JobError(
    'ForeignLedger',
    `the ledger has ${labelOf(entry)} where the source has ${migration.file}: this database was migrated from another source, or the file was renamed`,
  );
}

function refuseEdited(migration: MigrationFile, entry: LedgerEntry): void {
  if (entry.checksum === migration.checksum) return;
  throw new JobError(
    'EditedMigration',
    `${migration.file} was edited after it was applied (${entry.appliedAt}, checksum ${short(entry.checksum)}, now ${short(migration.checksum)}): restore it, and put the change in a new file`,
  );
}

function refuseMissing(source: readonly MigrationFile[], ledger: readonly LedgerEntry[]): void {
  const newest = source.at(-1);
  const known = new Set(source.map((migration) => BigInt(migration.version)));
  const missing = ledger.find(
    (entry) => newest && !known.has(BigInt(entry.version)) && compareVersions(entry.version, newest.version) < 0,
  );
  if (missing) {
    throw new JobError(
      'MissingMigration',
      `${labelOf(missing)} was applied, but its file is not in the source any more: put it back`,
    );
  }
}

const labelOf = (entry: LedgerEntry): string => `${entry.version}_${entry.name}`;
const short = (checksum: string): string => checksum.slice(0, 12);
