/** Carries out steps. Each does nothing where its effect is there already, and goes on where half of it is. */
import type { Db, Document } from 'mongodb';
import { codeOf, JobError } from '../failures.ts';
import { MONGO } from '../mongo.ts';
import { collectionDifference, collectionOptions, indexDefinition, indexDifference } from './mongo-indexes.ts';
import { fromExtended, type MongoStep, type StepOf } from './mongo-steps.ts';

/** So many documents are changed at a time: a command must end within what is left of the lease. */
const BATCH = 1_000;

export interface Performer {
  db: Db;
  /** Milliseconds that a command may take which must not overlap with another run: less than is left of the lease. */
  within(): Promise<number>;
  /** Milliseconds that the step may take. */
  stepLeft(): number;
  /** Told as documents are changed. */
  onProgress(documents: number): void;
}

export function perform(on: Performer, step: MongoStep): Promise<void> {
  switch (step.kind) {
    case 'createCollection':
      return createCollection(on, step);
    case 'dropCollection':
      return ignoring([MONGO.namespaceNotFound], send(on, { drop: step.collection }));
    case 'renameCollection':
      return renameCollection(on, step);
    case 'setValidator':
      return setValidator(on, step);
    case 'createIndex':
      return createIndex(on, step);
    case 'dropIndex':
      return ignoring(
        [MONGO.indexNotFound, MONGO.namespaceNotFound],
        send(on, { dropIndexes: step.collection, index: step.name }),
      );
    case 'renameField':
      return renameField(on, step);
    case 'updateMany':
      return updateInBatches(on, step.collection, fromExtended(step.filter), fromExtended(step.update));
  }
}

/** Ends on the server before the lease can be another's. */
async function send({ db, within }: Performer, command: Document): Promise<void> {
  await db.command(command, { timeoutMS: await within() });
}

async function createCollection(on: Performer, step: StepOf<'createCollection'>): Promise<void> {
  const existing = await findCollection(on, step.collection);
  if (!existing) return send(on, { create: step.collection, ...collectionOptions(step) });
  const difference = collectionDifference(step, existing);
  if (!difference) return;
  const remedy = difference.includes('valid') ? 'use setValidator' : 'leave it out, or give the new one another name';
  throw refused(`collection ${step.collection} exists, and ${difference}: ${remedy}`);
}

async function renameCollection(on: Performer, { from, to }: StepOf<'renameCollection'>): Promise<void> {
  const [source, target] = [await findCollection(on, from), await findCollection(on, to)];
  if (source && target) throw refused(`both ${from} and ${to} exist: one of them must go first`);
  if (!source && !target) throw refused(`there is no collection ${from}`);
  if (!source) return;
  const database = on.db.databaseName;
  const command = { renameCollection: `${database}.${from}`, to: `${database}.${to}` };
  await on.db.admin().command(command, { timeoutMS: await on.within() });
}

async function setValidator(on: Performer, step: StepOf<'setValidator'>): Promise<void> {
  return send(on, {
    collMod: step.collection,
    validator: fromExtended(step.validator),
    validationLevel: step.validationLevel ?? 'strict',
    validationAction: step.validationAction ?? 'error',
  });
}

/**
 * The one step whose command may outlast the lease of a holder that dies: it may be a long one, and cannot be cut into pieces. It can
 * overlap with nothing but itself: who takes over begins with this very step, and the server lets two builds of one index be one.
 */
async function createIndex(on: Performer, step: StepOf<'createIndex'>): Promise<void> {
  const existing = (await indexesOf(on.db, step.collection)).find(({ name }) => name === step.name);
  const difference = existing && indexDifference(step, existing);
  if (difference) {
    throw refused(
      `index ${step.name} of ${step.collection} exists, and ${difference}: drop it in a step before, or choose another name`,
    );
  }
  if (existing) return;
  await on.within();
  const command = { createIndexes: step.collection, indexes: [indexDefinition(step)] };
  await on.db.command(command, { timeoutMS: on.stepLeft() });
}

async function renameField(on: Performer, { collection, from, to }: StepOf<'renameField'>): Promise<void> {
  const both = { [from]: { $exists: true }, [to]: { $exists: true } };
  const conflict = await on.db
    .collection(collection)
    .findOne(both, { projection: { _id: 1 }, maxTimeMS: on.stepLeft() });
  if (conflict) {
    throw refused(
      `a document of ${collection} has both ${from} and ${to} (_id ${JSON.stringify(conflict._id)}): say with updateMany which of them stays`,
    );
  }
  await updateInBatches(
    on,
    collection,
    { [from]: { $exists: true }, [to]: { $exists: false } },
    { $rename: { [from]: to } },
  );
}

async function updateInBatches(on: Performer, name: string, filter: Document, update: Document): Promise<void> {
  const collection = on.db.collection(name);
  const found = collection.find(filter, { projection: { _id: 1 }, batchSize: BATCH, maxTimeMS: on.stepLeft() });
  let changed = 0;
  try {
    for (let batch = await take(found); batch.length > 0; batch = await take(found)) {
      const some = { $and: [filter, { _id: { $in: batch } }] };
      await collection.updateMany(some, update, { timeoutMS: await on.within() });
      on.onProgress((changed += batch.length));
    }
  } finally {
    await found.close().catch(() => {});
  }
}

async function take(cursor: { next(): Promise<Document | null> }): Promise<unknown[]> {
  const ids: unknown[] = [];
  while (ids.length < BATCH) {
    const document = await cursor.next();
    if (!document) break;
    ids.push(document._id);
  }
  return ids;
}

async function findCollection({ db }: Performer, name: string): Promise<Document | undefined> {
  return (await db.listCollections({ name }).toArray())[0];
}

/** Of a collection that need not exist. */
export async function indexesOf(db: Db, collection: string): Promise<Document[]> {
  try {
    return await db.collection(collection).listIndexes().toArray();
  } catch (error) {
    if (codeOf(error) === MONGO.namespaceNotFound) return [];
    throw error;
  }
}

const refused = (message: string): JobError => new JobError('StatementFailed', message);

async function ignoring(codes: readonly number[], work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    const code = codeOf(error);
    if (typeof code !== 'number' || !codes.includes(code)) throw error;
  });
}
