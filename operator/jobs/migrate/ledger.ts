import { compareVersions } from './source.ts';

/** The name of the ledger's table or collection, in the target itself. */
export const LEDGER = 'orderplane_migrations';

/** What a target knows of a migration that was applied to it. The same for every engine. */
export interface LedgerEntry {
  version: string;
  name: string;
  /** `baseline` stands for everything up to its version; `down` for what is being undone: only a dirty entry is. */
  kind: 'up' | 'down' | 'baseline';
  /** `dirty`: begun outside a transaction, its end is not known. */
  state: 'applied' | 'dirty';
  /** Of a dirty entry: what was carried out of its file is known step by step, and the engine looks after that; the rest may be mended. */
  mayBeMended?: boolean;
  /** Of the up file; empty for a baseline. */
  checksum: string;
  appliedAt: string;
  durationMs: number;
  run: string;
  /** How many files were to follow it in its run. Nobody uses what a run made before the run has come to its end. */
  remaining?: number;
}

export function newestOf(ledger: readonly LedgerEntry[]): LedgerEntry | undefined {
  return ledger.toSorted((a, b) => compareVersions(a.version, b.version)).at(-1);
}

export const labelOf = ({ version, name }: Pick<LedgerEntry, 'version' | 'name'>): string => `${version}_${name}`;
