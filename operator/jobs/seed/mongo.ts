import type { Collection, Db } from 'mongodb';
import type { SeedCounts, SeedDataset } from '../contract.ts';
import { codeOf } from '../failures.ts';
import { withLease } from '../migrate/mongo-lease.ts';
import { MONGO, withMongo } from '../mongo.ts';
import { createProgress } from '../progress.ts';
import { sameColumns } from './checks.ts';
import { checkRows } from './documents.ts';
import type { Seeder, SeedOptions } from './index.ts';
import { invalidDataset } from './invalid-dataset.ts';
import { countsOf, recordStore } from './mongo-record.ts';
import { deleteOthers, writeRows, type Held, type MongoTarget } from './mongo-write.ts';
import { openSource } from './source.ts';

/** Batch by batch, each recorded before and after: a run that was killed goes on where it was, and counts every row once. */
export const seedMongo: Seeder = (dataset, options) => {
  const { uri, run, signal, log } = options;
  const holder = `orderplane-seed ${run}`;
  return withMongo({ uri, appName: holder, signal }, async (client) => {
    const db = client.db(dataset.database);
    const store = recordStore(db, dataset, options);
    const finished = await store.read();
    if (finished?.finishedAt) return countsOf(finished);
    const collection = await checkedCollection(db, dataset);
    const lock = `seeding ${collection.collectionName}`;
    return withLease(db, { lock, holder, signal, log }, async (lease) => {
      const held: Held = async () => ({ timeoutMS: await lease.left() });
      return seedHeld(dataset, { collection, store, held, log, signal });
    });
  });
};

async function seedHeld(
  dataset: SeedDataset,
  { log, ...parts }: Pick<MongoTarget, 'collection' | 'store' | 'held' | 'signal'> & Pick<SeedOptions, 'log'>,
): Promise<SeedCounts> {
  const { collection, store, signal } = parts;
  const before = await store.read();
  if (before?.finishedAt) return countsOf(before);
  const source = await openSource(dataset);
  if (source.total === 0 && dataset.mode === 'Replace')
    throw invalidDataset(dataset, 'it has no rows, and Replace would delete all there are: delete them yourself if that is meant');
  const { keys, digest } = await checkRows(dataset, source, signal);
  const record = before ?? (await store.begin({ source: digest, wasEmpty: (await collection.findOne()) === null }));
  if (record.source !== digest)
    throw invalidDataset(dataset, 'its rows are not those that this run has begun with: they were edited meanwhile, and need a run of their own');
  const progress = createProgress(log);
  try {
    const target: MongoTarget = { ...parts, dataset, source, progress };
    await writeRows(target, record);
    if (dataset.mode === 'Replace') await deleteOthers(target, record, keys);
    await store.finish();
    return countsOf(record);
  } finally {
    progress.end();
  }
} // prettier-ignore

/** Without a unique index on the key, two writers would each insert the same row. */
async function checkedCollection(db: Db, dataset: SeedDataset): Promise<Collection> {
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
  const fault = `the key (${dataset.key.join(', ')}) is not unique in collection "${name}": a Migration must create a unique index on exactly these fields`;
  throw invalidDataset(dataset, fault);
}
