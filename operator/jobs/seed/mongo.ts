import { BSON, type Collection, type Db, type Document } from 'mongodb';
import type { SeedCounts, SeedRow } from '../contract.ts';
import { codeOf, JobError, messageOf } from '../failures.ts';
import { MONGO, withMongo } from '../mongo.ts';
import { isUnreachable } from '../unreachable.ts';
import { invalidDataset, keyMissingInRow, keyRepeated, sameColumns } from './checks.ts';
import { SEED_RUNS, type RowsDataset, type Seeder } from './index.ts';

interface RunDocument extends SeedCounts {
  _id: string;
  dataset: string;
  inputHash: string;
  finishedAt: Date;
}

/**
 * Row by row, each an upsert on the key; the record of the run comes last, as there is no transaction. Killed in between and run again,
 * the rows are right; what was inserted before counts as skipped.
 */
export const seedMongo: Seeder = (dataset, { uri, run, inputHash, signal }) =>
  withMongo({ uri, appName: `orderplane-seed ${run}`, signal }, async (client) => {
    const db = client.db(dataset.database);
    const runs = db.collection<RunDocument>(SEED_RUNS);
    const id = `${run}/${dataset.name}`;
    const recorded = await runs.findOne({ _id: id });
    if (recorded)
      return { inserted: recorded.inserted, updated: recorded.updated, skipped: recorded.skipped, deleted: 0 };

    const collection = await checkedCollection(db, dataset);
    const counts: SeedCounts = { inserted: 0, updated: 0, skipped: 0, deleted: 0 };
    for (const [i, row] of dataset.rows.entries()) {
      signal.throwIfAborted();
      counts[await writeRow(collection, dataset, row, i + 1)]++;
    }
    await runs.updateOne(
      { _id: id },
      { $setOnInsert: { dataset: dataset.name, inputHash, ...counts, finishedAt: new Date() } },
      { upsert: true },
    );
    return counts;
  });

/** Without a unique index on the key, two writers would each insert the same row. */
async function checkedCollection(db: Db, dataset: RowsDataset): Promise<Collection> {
  const fault = keyMissingInRow(dataset) ?? keyRepeated(dataset);
  if (fault) throw invalidDataset(dataset, fault);
  const name = dataset.collection ?? '';
  const collection = db.collection(name);
  const indexes = await collection.indexes().catch((error: unknown) => {
    if (codeOf(error) !== MONGO.namespaceNotFound) throw error;
    throw invalidDataset(dataset, `collection "${name}" does not exist in database "${dataset.database}"`);
  });
  const unique = indexes.some(
    (index) => (index.unique || index.name === '_id_') && sameColumns(Object.keys(index.key), dataset.key),
  );
  if (unique) return collection;
  throw invalidDataset(
    dataset,
    `the key (${dataset.key.join(', ')}) is not unique in collection "${name}": a Migration must create a unique index on exactly these fields`,
  );
}

async function writeRow(
  collection: Collection,
  dataset: RowsDataset,
  row: SeedRow,
  number: number,
): Promise<keyof SeedCounts> {
  const document = BSON.EJSON.deserialize(row as Document) as Document;
  const isKey = ([field]: [string, unknown]): boolean => dataset.key.includes(field);
  const filter = Object.fromEntries(Object.entries(document).filter(isKey));
  const values = Object.fromEntries(Object.entries(document).filter((entry) => !isKey(entry)));
  const hasValues = Object.keys(values).length > 0;
  const update =
    dataset.mode === 'Upsert' && hasValues ? { $set: values } : { $setOnInsert: hasValues ? values : document };
  for (let attempt = 1; ; attempt++) {
    try {
      const result = await collection.updateOne(filter, update, { upsert: true });
      if (result.upsertedCount > 0) return 'inserted';
      return result.modifiedCount > 0 ? 'updated' : 'skipped';
    } catch (error) {
      if (isUnreachable(error)) throw error;
      // Another writer may have inserted the same key between our look and our insert: then there is a row to update now.
      if (codeOf(error) === MONGO.duplicateKey && attempt === 1) continue;
      throw new JobError('SeedRejected', `dataset "${dataset.name}": row ${number}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}
