import type { Log } from '../../runtime/log.ts';
import type { MigrateInput, PlanFinding } from '../contract.ts';
import type { JobEnv } from '../job.ts';
import type { LedgerEntry } from './ledger.ts';
import type { MigrationFile, SourceText } from './source.ts';

export interface EngineOptions {
  uri: string;
  input: MigrateInput;
  /** Postgres: the role that the migrations run as, and that owns what they make. */
  ownerRole: string | undefined;
  env: JobEnv;
  signal: AbortSignal;
  log: Log;
}

/** A database that is looked at. Nothing here writes to it. */
export interface Target {
  /** Oldest version first; `undefined` where the database has no ledger. */
  readLedger(): Promise<LedgerEntry[] | undefined>;
  /** Names of what people have in a database without ledger: it needs a baseline. Empty where the engine needs none. */
  existing(): Promise<string[]>;
  /**
   * What a policy should know of these texts, which are to run in this order. Throws, by file and line, for what could not run at
   * all. Only called with what is pending: what was applied is never parsed again. `begun` was applied already by runs that did not
   * come to their end: nobody uses yet what it made.
   */
  check(texts: readonly SourceText[], begun: readonly SourceText[]): Promise<PlanFinding[]>;
  /** Who holds the lock for migrations of this database, in words; `undefined` for nobody. */
  lockHolder(): Promise<string | undefined>;
}

/**
 * A target whose lock is held. What an engine must do; what is applied, and in which order, is decided for all of them in one place.
 * A process killed at any point leaves both a file's effect and its ledger entry, or neither, or a dirty entry and what it takes
 * to repeat both.
 */
export interface LockedTarget extends Target {
  /** Makes the ledger where there is none; with `baseline`, an entry that stands for everything up to this version. */
  ensureLedger(baseline?: string): Promise<void>;
  /** Runs an up file and records it. A dirty entry of the same file is one whose run did not end: its leftovers go first. `remaining` files follow it. */
  apply(migration: MigrationFile, options: { remaining: number }): Promise<{ durationMs: number }>;
  /** Runs a down file and removes the entry of what it undoes. */
  revert(migration: RevertibleMigration): Promise<{ durationMs: number }>;
}

export type RevertibleMigration = MigrationFile & { down: SourceText };

export interface MigrationEngine {
  /** Neither takes the lock nor writes. */
  look<T>(options: EngineOptions, work: (target: Target) => Promise<T>): Promise<T>;
  /** Takes the lock, telling in log lines with `lockHolder` for whom it waits. */
  withLock<T>(options: EngineOptions, work: (target: LockedTarget) => Promise<T>): Promise<T>;
}
