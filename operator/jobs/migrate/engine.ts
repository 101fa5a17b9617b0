import type { Log } from '../../runtime/log.ts';
import type { MigrateInput } from '../contract.ts';
import type { LedgerEntry } from './plan.ts';
import type { MigrationFile } from './source.ts';

export interface EngineOptions {
  uri: string;
  input: MigrateInput;
  /** Postgres: the role that the migrations run as, and that owns what they make. */
  ownerRole: string | undefined;
  signal: AbortSignal;
  log: Log;
}

/** A target whose lock is held. What an engine must do; what is applied, and in which order, is decided for all of them in one place. */
export interface LockedTarget {
  readLedger(): Promise<LedgerEntry[]>;
  /** Applies one file and records it, so that a process killed at any point leaves both or neither, or can repeat both. */
  apply(migration: MigrationFile): Promise<{ durationMs: number }>;
}

export interface MigrationEngine {
  /** Finds what is wrong with a file before anything of the source has been applied. */
  check(migration: MigrationFile): Promise<void>;
  withLock<T>(options: EngineOptions, work: (target: LockedTarget) => Promise<T>): Promise<T>;
}
