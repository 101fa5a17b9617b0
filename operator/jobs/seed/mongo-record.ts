/** How far a run is with a dataset: MongoDB has no transaction over many documents that every server knows, so a run leaves a trail. */
import type { Binary, Db } from 'mongodb';
import type { SeedCounts, SeedDataset } from '../contract.ts';
import { SEED_RUNS, type SeedOptions } from './index.ts';

/**
 * What is about to be written, recorded before it is. After a kill nobody knows how much of it was: it is written again, and what it did
 * to the collection is told by comparing with what was there before.
 */
export type Intent =
  /** Documents from that row on, counted from 0; `before` has 16 bytes for each: a digest of the document of that key, or zeros for none. */
  { write: number; before?: Binary } | { delete: unknown[] };

export interface RunRecord extends SeedCounts {
  _id: string;
  dataset: string;
  inputHash: string;
  /** Digest of all rows: who goes on with a run must have the same. */
  source: string;
  /** The collection had no documents when the run began. */
  wasEmpty: boolean;
  /** How many rows are written and counted. */
  next: number;
  intent?: Intent;
  startedAt: Date;
  finishedAt?: Date;
}

export interface RecordStore {
  read(): Promise<RunRecord | null>;
  begin(first: Pick<RunRecord, 'source' | 'wasEmpty'>): Promise<RunRecord>;
  intend(intent: Intent): Promise<void>;
  /** The intent was carried out: what it did is counted with the same write. */
  done(record: RunRecord): Promise<void>;
  finish(): Promise<void>;
}

export function recordStore(db: Db, dataset: SeedDataset, { run, inputHash }: SeedOptions): RecordStore {
  const runs = db.collection<RunRecord>(SEED_RUNS);
  const _id = `${run}/${dataset.name}`;
  return {
    read: () => runs.findOne({ _id }),
    begin: async (first) => {
      const nothing = { next: 0, inserted: 0, updated: 0, skipped: 0, deleted: 0 };
      const record = { _id, dataset: dataset.name, inputHash, ...first, ...nothing, startedAt: new Date() };
      await runs.insertOne(record);
      return record;
    },
    intend: async (intent) => void (await runs.updateOne({ _id }, { $set: { intent } })),
    done: async ({ next, inserted, updated, skipped, deleted }) =>
      void (await runs.updateOne({ _id }, { $set: { next, inserted, updated, skipped, deleted }, $unset: { intent: '' } })),
    finish: async () => void (await runs.updateOne({ _id }, { $set: { finishedAt: new Date() } })),
  };
} // prettier-ignore

export const countsOf = ({ inserted, updated, skipped, deleted }: RunRecord): SeedCounts => ({
  inserted,
  updated,
  skipped,
  // Releases before 0.2 deleted nothing, and did not say so.
  deleted: deleted ?? 0,
});
