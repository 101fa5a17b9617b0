import type { Db, Document } from 'mongodb';
import { durationMs } from '../contract.ts';
import { codeOf, JobError, messageOf } from '../failures.ts';
import { MONGO, withMongo } from '../mongo.ts';
import { isUnreachable } from '../unreachable.ts';
import type { EngineOptions, LockedTarget, MigrationEngine } from './engine.ts';
import { withLease, type Lease } from './mongo-lease.ts';
import { parseMongoSteps, type MongoStep } from './mongo-steps.ts';
import { LEDGER, type LedgerEntry } from './plan.ts';
import { compareVersions, type MigrationFile } from './source.ts';

interface LedgerDocument extends Omit<LedgerEntry, 'version' | 'appliedAt'> {
  _id: string;
  appliedAt: Date;
}

export const mongoEngine: MigrationEngine = {
  check: (migration) => Promise.resolve(void parseMongoSteps(migration)),
  withLock: (options, work) => {
    const holder = `orderplane-migrate ${options.input.run}`;
    return withMongo({ uri: options.uri, appName: holder, signal: options.signal }, (client) => {
      const db = client.db(options.input.database);
      return withLease(db, { holder, signal: options.signal, log: options.log }, (lease) =>
        work(lockedTarget(db, lease, options)),
      );
    });
  },
};

function lockedTarget(db: Db, lease: Lease, { input }: EngineOptions): LockedTarget {
  const ledger = db.collection<LedgerDocument>(LEDGER);
  const maxTimeMS = durationMs(input.policy.statementTimeout);
  return {
    readLedger: () => readLedger(db),
    apply: async (migration) => {
      const startedAt = performance.now();
      for (const step of parseMongoSteps(migration)) {
        await lease.assertHeld();
        await runStep(db, migration, step, maxTimeMS);
      }
      const { version, name, checksum } = migration;
      const elapsedMs = Math.round(performance.now() - startedAt);
      await lease.assertHeld();
      await ledger.insertOne({
        _id: version,
        name,
        checksum,
        appliedAt: new Date(),
        durationMs: elapsedMs,
        run: input.run,
      });
      return { durationMs: elapsedMs };
    },
  };
}

async function readLedger(db: Db): Promise<LedgerEntry[]> {
  const documents = await db.collection<LedgerDocument>(LEDGER).find().toArray();
  return documents
    .map(({ _id, appliedAt, name, checksum, durationMs: took, run }) => {
      if (!/^\d+$/.test(String(_id)) || !(appliedAt instanceof Date)) {
        throw new JobError(
          'ForeignLedger',
          `the collection ${LEDGER} is not a ledger of ours: it holds a document ${JSON.stringify(_id)}`,
        );
      }
      return { version: _id, name, checksum, appliedAt: appliedAt.toISOString(), durationMs: took, run };
    })
    .sort((a, b) => compareVersions(a.version, b.version));
}

async function runStep(db: Db, migration: MigrationFile, step: MongoStep, maxTimeMS: number): Promise<void> {
  try {
    await perform(db, step, maxTimeMS);
  } catch (error) {
    if (isUnreachable(error)) throw error;
    throw new JobError('StatementFailed', `${migration.file}:${step.line}: ${step.kind}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Every step does nothing when its effect is there already. */
async function perform(db: Db, step: MongoStep, maxTimeMS: number): Promise<void> {
  switch (step.kind) {
    case 'createCollection':
      return ignoring([MONGO.namespaceExists], db.createCollection(step.collection, { maxTimeMS }));
    case 'createIndex':
      return void (await db
        .collection(step.collection)
        .createIndex(step.keys, { name: step.name, ...(step.unique && { unique: true }), maxTimeMS }));
    case 'dropIndex':
      return ignoring(
        [MONGO.indexNotFound, MONGO.namespaceNotFound],
        db.collection(step.collection).dropIndex(step.name, { maxTimeMS }),
      );
    case 'renameField':
      return void (await db
        .collection(step.collection)
        .updateMany({ [step.from]: { $exists: true } }, { $rename: { [step.from]: step.to } }, { maxTimeMS }));
    case 'updateMany': {
      const { BSON } = await import('mongodb');
      const extended = (value: object): Document => BSON.EJSON.deserialize(value as Document) as Document;
      return void (await db
        .collection(step.collection)
        .updateMany(extended(step.filter), extended(step.update), { maxTimeMS }));
    }
  }
}

async function ignoring(codes: readonly number[], work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    const code = codeOf(error);
    if (typeof code !== 'number' || !codes.includes(code)) throw error;
  });
}
