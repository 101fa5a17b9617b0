/** What a run writes into a collection, in batches; see `Intent` for what makes the counts right after a kill. */
import {
  BSON,
  MongoBulkWriteError,
  MongoOperationTimeoutError,
  type AnyBulkWriteOperation,
  type Collection,
  type Document,
} from 'mongodb';
import type { SeedCounts, SeedDataset, SeedRow } from '../contract.ts';
import { codeOf, JobError, messageOf } from '../failures.ts';
import { MONGO } from '../mongo.ts';
import type { Progress } from '../progress.ts';
import { isUnreachable } from '../unreachable.ts';
import { keyFilter, keyOf, toDocument } from './documents.ts';
import { digestOf, DIGEST_BYTES, type KeySet } from './key-set.ts';
import type { RecordStore, RunRecord } from './mongo-record.ts';
import type { Source } from './source.ts';

/** Small enough for a slow server to be done with long before the lease ends. */
const BATCH = 250;
/** FerretDB keeps a connection of its pool for every update of a command until the command ends, and hangs when there is none left. */
const UPDATES = 10;

/** What a write is given so that it ends before somebody else may write; throws when somebody may already. */
export type Held = () => Promise<{ timeoutMS: number }>;

export interface MongoTarget {
  dataset: SeedDataset;
  collection: Collection;
  source: Source;
  store: RecordStore;
  progress: Progress;
  signal: AbortSignal;
  held: Held;
}

type Written = Pick<SeedCounts, 'inserted' | 'updated'>;

/** Writes the rows that the run has not written yet. */
export async function writeRows(target: MongoTarget, record: RunRecord): Promise<void> {
  const { dataset, source, store, signal, progress } = target;
  for await (const rows of batchesFrom(source, record.next)) {
    signal.throwIfAborted();
    const { inserted, updated } = await writeBatch(target, record, rows.map(toDocument));
    record.next += rows.length;
    record.inserted += inserted;
    record.updated += updated;
    record.skipped += rows.length - inserted - updated;
    delete record.intent;
    await store.done(record);
    progress.tell(`${dataset.name}: ${record.next} of ${source.total} rows`);
  }
}

async function writeBatch(target: MongoTarget, record: RunRecord, documents: Document[]): Promise<Written> {
  const first = record.next;
  const nothing: Present = {
    digests: Buffer.alloc(documents.length * DIGEST_BYTES),
    ids: documents.map(() => undefined),
  };
  const { intent } = record;
  if (intent && 'write' in intent) {
    const before = intent.before ? Buffer.from(intent.before.value()) : nothing.digests;
    await writeDocuments(target, { first, documents, ids: (await presentOf(target, documents)).ids });
    return difference(before, (await presentOf(target, documents)).digests);
  }
  const { digests, ids } = record.wasEmpty ? nothing : await presentOf(target, documents);
  await target.store.intend({ write: first, ...(!record.wasEmpty && { before: new BSON.Binary(digests) }) });
  return writeDocuments(target, { first, documents, ids });
}

/** The documents that have the keys of a batch, in its order. */
interface Present {
  /** 16 bytes each; zeros where there is none. */
  digests: Buffer;
  ids: unknown[];
}

async function presentOf({ collection, dataset: { key } }: MongoTarget, documents: Document[]): Promise<Present> {
  const [name] = key;
  const anyOf =
    key.length === 1
      ? { [name!]: { $in: documents.map((document) => document[name!] as unknown) } }
      : { $or: documents.map((document) => keyFilter(document, key)) };
  const found = new Map<string, { digest: Buffer; id: unknown }>();
  // As they are: to the driver, the number 1 is the same whether stored as an int or as a double.
  for await (const document of collection.find(anyOf, { promoteValues: false, promoteLongs: false }))
    found.set(keyOf(document, key), { digest: digestOf(BSON.serialize(document)), id: document._id });
  const present = documents.map((document) => found.get(keyOf(document, key)));
  return {
    digests: Buffer.concat(present.map((one) => one?.digest ?? Buffer.alloc(DIGEST_BYTES))),
    ids: present.map((one) => one?.id),
  };
}

function difference(before: Buffer, after: Buffer): Written {
  const written = { inserted: 0, updated: 0 };
  for (let at = 0; at < before.length; at += DIGEST_BYTES) {
    const [old, current] = [before.subarray(at, at + DIGEST_BYTES), after.subarray(at, at + DIGEST_BYTES)];
    if (old.equals(current)) continue;
    written[isAbsent(old) ? 'inserted' : 'updated']++;
  }
  return written;
}

const isAbsent = (digest: Buffer): boolean => digest.every((byte) => byte === 0);

async function writeDocuments(target: MongoTarget, batch: Omit<Part, 'indexes'>): Promise<Written> {
  const isThere = (i: number) => batch.ids[i] !== undefined;
  const all = [...batch.documents.keys()];
  const { inserted, collided } = await insert(target, { ...batch, indexes: all.filter((i) => !isThere(i)) });
  const indexes = target.dataset.mode === 'InsertOnly' ? [] : [...all.filter(isThere), ...collided];
  const late = await update(target, { ...batch, indexes });
  return { inserted: inserted + late.inserted, updated: late.updated };
}

interface Part {
  /** The number of the batch's first row, from 0 on. */
  first: number;
  documents: Document[];
  /** The `_id` of the document of that key, where there was one. */
  ids: readonly unknown[];
  /** Which of the documents. */
  indexes: readonly number[];
}

/** `collided` are those whose key somebody else has inserted meanwhile, a killed attempt of this run included. */
async function insert(target: MongoTarget, part: Part): Promise<{ inserted: number; collided: number[] }> {
  if (part.indexes.length === 0) return { inserted: 0, collided: [] };
  const { collection, dataset } = target;
  // Copies: the driver adds the _id that it makes to what it is given.
  const documents = part.indexes.map((i) => ({ ...part.documents[i] }));
  try {
    const { insertedCount } = await collection.insertMany(documents, { ordered: false, ...(await target.held()) });
    return { inserted: insertedCount, collided: [] };
  } catch (error) {
    const failed = await writeErrorsOf(error, target, part);
    const collided: number[] = [];
    for (const { index, code, message } of failed) {
      const isTaken = code === MONGO.duplicateKey && (await collection.findOne(keyFilter(part.documents[index]!, dataset.key)));
      if (!isTaken) throw await rejected(target, part.first + index, message);
      collided.push(index);
    }
    return { inserted: part.indexes.length - collided.length, collided };
  }
} // prettier-ignore

/** Sets the fields of rows on documents that are there; what somebody deletes meanwhile is inserted. */
async function update(target: MongoTarget, part: Part): Promise<Written> {
  const { collection, dataset: { key } } = target; // prettier-ignore
  const operations: AnyBulkWriteOperation[] = [];
  const indexes: number[] = [];
  for (const i of part.indexes) {
    const document = part.documents[i]!;
    const values = Object.fromEntries(Object.entries(document).filter(([field]) => !key.includes(field)));
    if (Object.keys(values).length === 0) continue;
    const filter = { ...keyFilter(document, key), ...(part.ids[i] !== undefined && { _id: part.ids[i] }) } as Document;
    operations.push({ updateOne: { filter, update: { $set: values }, upsert: true } });
    indexes.push(i);
  }
  const written: Written = { inserted: 0, updated: 0 };
  for (let from = 0; from < operations.length; from += UPDATES) {
    const some = operations.slice(from, from + UPDATES);
    try {
      const result = await collection.bulkWrite(some, { ordered: false, ...(await target.held()) });
      written.inserted += result.upsertedCount;
      written.updated += result.modifiedCount;
    } catch (error) {
      const [failed] = await writeErrorsOf(error, target, { ...part, indexes: indexes.slice(from) });
      throw await rejected(target, part.first + failed!.index, failed!.message);
    }
  }
  return written;
}

/** What the server says of single documents; any other error is thrown on. */
async function writeErrorsOf(
  error: unknown,
  target: MongoTarget,
  { first, indexes }: Part,
): Promise<{ index: number; code: number; message: string }[]> {
  if (isUnreachable(error)) throw error;
  // The server took longer than the lease allows: what it did of the batch is found by going through it again.
  if (error instanceof MongoOperationTimeoutError) throw new JobError('Unreachable', messageOf(error), { cause: error });
  if (!(error instanceof MongoBulkWriteError)) throw codeOf(error) === undefined ? error : await rejected(target, first, messageOf(error));
  const failed = [error.writeErrors].flat();
  // The driver puts this name on whatever it fails of itself, such as a connection that was cut, and keeps only the words.
  if (failed.length === 0 && codeOf(error) === undefined) throw new JobError('Unreachable', messageOf(error), { cause: error });
  if (failed.length === 0) throw error;
  return failed.map(({ index, code, errmsg }) => ({ index: indexes[index]!, code, message: errmsg ?? messageOf(error) }));
} // prettier-ignore

async function rejected({ dataset, source }: MongoTarget, row: number, message: string): Promise<JobError> {
  return new JobError('SeedRejected', `dataset "${dataset.name}": ${await source.where(row + 1)}: ${message}`);
}

/** Deletes documents whose key is not in the dataset. */
export async function deleteOthers(target: MongoTarget, record: RunRecord, keys: KeySet): Promise<void> {
  const { collection, dataset, store, signal, progress, held } = target;
  progress.tell(`${dataset.name}: deleting what is not in it`);
  const remove = async (ids: unknown[], isAgain: boolean): Promise<void> => {
    signal.throwIfAborted();
    if (!isAgain) await store.intend({ delete: ids });
    const { deletedCount } = await collection.deleteMany({ _id: { $in: ids } } as Document, await held());
    record.deleted += isAgain ? ids.length : deletedCount;
    delete record.intent;
    await store.done(record);
  };
  if (record.intent && 'delete' in record.intent) await remove(record.intent.delete, true);
  const projection = Object.fromEntries(['_id', ...dataset.key].map((field) => [field, 1]));
  let others: unknown[] = [];
  for await (const document of collection.find({}, { projection, promoteValues: false, promoteLongs: false })) {
    if (keys.has(keyOf(document, dataset.key))) continue;
    if (others.push(document._id) < BATCH) continue;
    await remove(others, false);
    others = [];
  }
  if (others.length > 0) await remove(others, false);
}

/** Always the same batches, whatever those of the source are: one that was under way is gone through again as it was. */
async function* batchesFrom(source: Source, next: number): AsyncIterable<SeedRow[]> {
  let number = 0;
  let batch: SeedRow[] = [];
  for await (const rows of source.batches()) {
    for (const row of rows) {
      if (number++ < next) continue;
      batch.push(row);
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}
