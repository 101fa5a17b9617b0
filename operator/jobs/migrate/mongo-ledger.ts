/** The ledger of a MongoDB database: a document a migration, with a record of each of its steps. */
import type { Collection, Db, Filter, UpdateFilter } from 'mongodb';
import { codeOf, JobError } from '../failures.ts';
import { MONGO } from '../mongo.ts';
import { LEDGER, type LedgerEntry } from './ledger.ts';
import type { Lease } from './mongo-lease.ts';
import { compareVersions, type MigrationFile } from './source.ts';

/** A step that was carried out. */
export interface StepRecord {
  /** Such as `createIndex orders.by_state`. */
  step: string;
  checksum: string;
  appliedAt: Date;
  durationMs: number;
  run: string;
}

export interface LedgerDocument {
  /** The version. */
  _id: string;
  name: string;
  kind: LedgerEntry['kind'];
  state: LedgerEntry['state'];
  checksum: string;
  /** When it was begun, then when it ended. */
  appliedAt: Date;
  durationMs: number;
  run: string;
  /** Token of the lease under which this was written last. A holder whose lease went to another cannot write any more. */
  fence: number;
  /** How many files were to follow in that run. */
  remaining?: number;
  /** Collections of its steps that were not there when it was begun: nobody uses yet what is in them. */
  made?: string[];
  /** Of the up file. */
  steps: StepRecord[];
  /** Of the down file, while that is carried out. */
  undone?: StepRecord[];
}

export const ledgerOf = (db: Db): Collection<LedgerDocument> => db.collection<LedgerDocument>(LEDGER);

/** What the first ledgers did not tell, as they knew nothing else. */
const EARLIER = { kind: 'up', state: 'applied', steps: [] } as const;

/** Oldest version first; undefined where there is no ledger. */
export async function readDocuments(db: Db): Promise<LedgerDocument[] | undefined> {
  const documents = await ledgerOf(db).find().toArray();
  if (documents.length === 0 && (await db.listCollections({ name: LEDGER }).toArray()).length === 0) return undefined;
  const foreign = documents.find((document) => !isOurs(document));
  if (foreign) {
    throw new JobError(
      'ForeignLedger',
      `the collection ${LEDGER} is not a ledger of ours: it holds a document ${JSON.stringify(foreign._id)}`,
    );
  }
  return documents.map((document) => ({ ...EARLIER, ...document })).toSorted((a, b) => compareVersions(a._id, b._id));
}

export async function collectionNames(db: Db): Promise<string[]> {
  return (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);
}

function isOurs({ _id, name, checksum, appliedAt }: LedgerDocument): boolean {
  return (
    /^\d{1,18}$/.test(String(_id)) &&
    typeof name === 'string' &&
    typeof checksum === 'string' &&
    appliedAt instanceof Date
  );
}

export function entryOf(document: LedgerDocument): LedgerEntry {
  const { _id: version, name, checksum, appliedAt, durationMs, run, kind, state, remaining = 0 } = document;
  const mayBeMended = state === 'dirty' && kind === 'up';
  return {
    version,
    name,
    kind,
    state,
    checksum,
    appliedAt: appliedAt.toISOString(),
    durationMs,
    run,
    remaining,
    mayBeMended,
  };
}

/** A document that this run may write, with what was done before. */
export interface Claim {
  done: readonly StepRecord[];
  /** Adds the next step. */
  record(step: StepRecord): Promise<void>;
  /** Ends it: the migration counts as applied, or its document goes. */
  finish(): Promise<void>;
}

/** Finds the document of a migration, or begins it, and puts this lease's fence on it. */
export async function claim(
  db: Db,
  lease: Lease,
  migration: MigrationFile,
  /** Those of the steps. */
  collections: readonly string[],
  { kind, run, remaining }: { kind: 'up' | 'down'; run: string; remaining: number },
): Promise<Claim> {
  const ledger = ledgerOf(db);
  const existing = (await readDocuments(db))?.find(({ _id }) => compareVersions(_id, migration.version) === 0);
  const { checksum, name } = migration;
  const version = existing?._id ?? migration.version;
  const list = kind === 'up' ? 'steps' : 'undone';
  const done = existing?.[list] ?? [];
  const begun = { kind, state: 'dirty', checksum, run, remaining, fence: lease.token, [list]: done } as const;
  const write = async (filter: Filter<LedgerDocument>, update: UpdateFilter<LedgerDocument>): Promise<void> => {
    const written = await ledger.updateOne({ _id: version, ...filter }, update, { timeoutMS: await lease.left() });
    if (written.matchedCount === 0) throw fencedOff();
  };
  if (existing) await write({ fence: { $not: { $gt: lease.token } } }, { $set: begun });
  else {
    const there = new Set(await collectionNames(db));
    const made = collections.filter((collection) => !there.has(collection));
    const document = { _id: version, name, made, appliedAt: new Date(), durationMs: 0, steps: [], ...begun };
    await ledger.insertOne(document, { timeoutMS: await lease.left() }).catch((error: unknown) => {
      throw codeOf(error) === MONGO.duplicateKey ? fencedOff() : error;
    });
  }
  const fenced = { fence: lease.token };
  let durationMs = done.reduce((sum, step) => sum + step.durationMs, 0);
  let count = done.length;
  return {
    done,
    record: async (step) => {
      await write({ ...fenced, [list]: { $size: count } }, { $push: { [list]: step } });
      durationMs += step.durationMs;
      count += 1;
    },
    finish: async () => {
      if (kind === 'up') return write(fenced, { $set: { state: 'applied', appliedAt: new Date(), durationMs } });
      await ledger.deleteOne({ _id: version, ...fenced }, { timeoutMS: await lease.left() });
    },
  };
}

/** Begins the ledger with the entry that stands for all that was there before it. In one write: without it, that would be applied again. */
export async function writeBaseline(
  db: Db,
  lease: Lease,
  { version, appliedAt, ...entry }: LedgerEntry,
): Promise<void> {
  const document = { ...entry, appliedAt: new Date(appliedAt), fence: lease.token, steps: [] };
  const options = { upsert: true, timeoutMS: await lease.left() };
  await ledgerOf(db).updateOne({ _id: version }, { $setOnInsert: document }, options);
}

function fencedOff(): JobError {
  return new JobError(
    'LockLost',
    'another run has written to the ledger since: this one stops; it is safe to run again',
  );
}
