import { createHash } from 'node:crypto';
import type { MigrateInput, MigrationPlan, PlanFinding } from '../contract.ts';
import { JobError } from '../failures.ts';
import { labelOf, newestOf, type LedgerEntry } from './ledger.ts';
import { compareVersions, type MigrationFile, type SourceText } from './source.ts';

/** What is left to do, in its order. */
export interface Steps {
  direction: MigrationPlan['direction'];
  pending: readonly MigrationFile[];
}

/**
 * The way from what the ledger has to `toVersion`. Refuses, by name, a ledger that the source cannot be the continuation of. Entries
 * newer than the source's newest are no fault: an older release may run on a newer schema.
 */
export function planSteps(
  source: readonly MigrationFile[],
  ledger: readonly LedgerEntry[],
  toVersion: MigrateInput['toVersion'] = 'latest',
): Steps {
  refuseUnknown(source, toVersion);
  refuseHalfUndone(source, ledger, toVersion);
  const unapplied = unappliedOf(source, ledger);
  if (toVersion === 'latest') return { direction: 'Up', pending: unapplied };
  const isAbove = ({ version }: { version: string }): boolean => compareVersions(version, toVersion) > 0;
  const above = ledger.filter(isAbove).toSorted((a, b) => compareVersions(b.version, a.version));
  if (above.length === 0) return { direction: 'Up', pending: unapplied.filter((migration) => !isAbove(migration)) };
  return { direction: 'Down', pending: above.map((entry) => undoneBy(source, entry)) };
}

/** The files of the source that the database does not have. */
export function unappliedOf(
  source: readonly MigrationFile[],
  ledger: readonly LedgerEntry[],
): readonly MigrationFile[] {
  const entries = new Map(ledger.map((entry) => [BigInt(entry.version), entry]));
  const baseline = ledger.find((entry) => entry.kind === 'baseline');
  const isBased = ({ version }: MigrationFile): boolean =>
    baseline !== undefined && compareVersions(version, baseline.version) <= 0;
  const entryOf = ({ version }: MigrationFile): LedgerEntry | undefined => entries.get(BigInt(version));
  for (const migration of source) {
    const entry = entryOf(migration);
    if (!entry || isBased(migration)) continue;
    refuseForeign(migration, entry);
    refuseEdited(migration, entry);
  }
  refuseMissing(source, ledger);
  const unapplied = source.filter((migration) => {
    const entry = entryOf(migration);
    return !isBased(migration) && (!entry || (entry.state === 'dirty' && entry.kind === 'up'));
  });
  const newest = newestOf(ledger);
  const late = unapplied.find((migration) => newest && compareVersions(migration.version, newest.version) < 0);
  if (late && newest) {
    throw new JobError(
      'MigrationGap',
      `${late.file} has not been applied, but ${labelOf(newest)} has, and it comes after it: give it a version above ${newest.version}`,
    );
  }
  return unapplied;
}

/** What is to run, in its order; a file that is not there is refused by its name. */
export function textsOf({ direction, pending }: Steps): SourceText[] {
  return pending.map((migration) => (direction === 'Up' ? migration : downOf(migration)));
}

export function downOf(migration: MigrationFile): SourceText {
  if (migration.down) return migration.down;
  throw new JobError(
    'MissingDown',
    `${migration.file} cannot be undone: ${migration.file.replace('.up.', '.down.')} is missing; add it, or set toVersion to ${migration.version} or above`,
  );
}

export function describePlan(steps: Steps, findings: PlanFinding[]): MigrationPlan {
  const pending = textsOf(steps).map(({ file }) => file);
  return { hash: hashOf(steps.direction, steps.pending), direction: steps.direction, pending, findings };
}

/**
 * Whether `hash` is of a plan that these steps are what is left of: a run that was killed after its second file goes on with the
 * third under the approval of all.
 */
export function isLeftOf(hash: string, { direction, pending }: Steps, source: readonly MigrationFile[]): boolean {
  const first = source.findIndex((migration) => migration === pending[0]);
  // Newest first on the way down: what was undone before comes after it in the source.
  const done = direction === 'Up' ? source.slice(0, first) : source.slice(first + 1).toReversed();
  return [...done.keys(), done.length].some((skipped) => {
    const whole = [...done.slice(skipped), ...pending];
    return whole.every((migration) => direction === 'Up' || migration.down) && hashOf(direction, whole) === hash;
  });
}

function hashOf(direction: Steps['direction'], migrations: readonly MigrationFile[]): string {
  const hash = createHash('sha256').update(direction);
  for (const migration of migrations) {
    const { checksum } = direction === 'Up' ? migration : downOf(migration);
    hash.update(`\n${BigInt(migration.version)}_${migration.name} ${checksum}`);
  }
  return hash.digest('hex').slice(0, 16);
}

function undoneBy(source: readonly MigrationFile[], entry: LedgerEntry): MigrationFile {
  const undone = source.find(({ version }) => compareVersions(version, entry.version) === 0);
  if (entry.kind === 'baseline') {
    throw new JobError(
      'MissingDown',
      `the ledger begins at ${entry.version}, its baseline: what was there before cannot be undone; set toVersion to ${entry.version} or above`,
    );
  }
  if (!undone) {
    throw new JobError(
      'MissingDown',
      `${labelOf(entry)} cannot be undone: it came with another source, and its files are not in this one`,
    );
  }
  if (entry.state === 'dirty' && entry.kind === 'up') {
    throw new JobError(
      'DirtyLedger',
      `${undone.file} was begun by ${entry.run} and its end is not known: set toVersion to ${entry.version} to finish it before it is undone`,
    );
  }
  return undone;
}

/** An older release does not know what is half undone above it, and does not need it. */
function refuseHalfUndone(
  source: readonly MigrationFile[],
  ledger: readonly LedgerEntry[],
  toVersion: MigrateInput['toVersion'],
): void {
  const known = new Set(source.map(({ version }) => BigInt(version)));
  const undone = ledger.find(
    ({ kind, state, version }) => kind === 'down' && state === 'dirty' && known.has(BigInt(version)),
  );
  if (!undone || (toVersion !== 'latest' && compareVersions(undone.version, toVersion) > 0)) return;
  throw new JobError(
    'DirtyLedger',
    `${labelOf(undone)} is half undone, by ${undone.run}: set toVersion below ${undone.version}, with policy.down Allow, to finish that first`,
  );
}

function refuseUnknown(source: readonly MigrationFile[], toVersion: MigrateInput['toVersion']): void {
  // 0 is the version before the first.
  if (toVersion === 'latest' || BigInt(toVersion) === 0n) return;
  if (source.some(({ version }) => compareVersions(version, toVersion) === 0)) return;
  throw new JobError(
    'UnknownVersion',
    `toVersion ${toVersion} is none of the source's, which end at ${source.at(-1)?.version}`,
  );
}

function refuseForeign(migration: MigrationFile, entry: LedgerEntry): void {
  if (entry.name === migration.name) return;
  throw new JobError(
    'ForeignLedger',
    `the ledger has ${labelOf(entry)} where the source has ${migration.file}: this database was migrated from another source, or the file was renamed`,
  );
}

function refuseEdited(migration: MigrationFile, entry: LedgerEntry): void {
  if (entry.checksum === migration.checksum || entry.mayBeMended) return;
  const begun = entry.state === 'dirty' ? 'begun' : 'applied';
  throw new JobError(
    'EditedMigration',
    `${migration.file} was edited after it was ${begun} (${entry.appliedAt}, checksum ${short(entry.checksum)}, now ${short(migration.checksum)}): restore it, and put the change in a new file`,
  );
}

function refuseMissing(source: readonly MigrationFile[], ledger: readonly LedgerEntry[]): void {
  const newest = source.at(-1);
  const known = new Set(source.map((migration) => BigInt(migration.version)));
  const missing = ledger.find(
    (entry) =>
      newest &&
      entry.kind !== 'baseline' &&
      !known.has(BigInt(entry.version)) &&
      compareVersions(entry.version, newest.version) < 0,
  );
  if (missing) {
    throw new JobError(
      'MissingMigration',
      `${labelOf(missing)} was applied, but its file is not in the source any more: put it back`,
    );
  }
}

const short = (checksum: string): string => checksum.slice(0, 12);

/** What was applied on the way up by runs that did not come to their end: the entries since the last that nothing was to follow. */
export function begunBy(source: readonly MigrationFile[], ledger: readonly LedgerEntry[]): readonly MigrationFile[] {
  const entries = ledger.filter(({ state }) => state === 'applied');
  const begun = entries.slice(entries.findLastIndex(({ remaining = 0 }) => remaining === 0) + 1);
  const versions = new Set(begun.map(({ version }) => BigInt(version)));
  return source.filter(({ version }) => versions.has(BigInt(version)));
}
