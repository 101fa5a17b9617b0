import type { Db, Document } from 'mongodb';
import { durationMs } from '../contract.ts';
import { codeOf, JobError, messageOf } from '../failures.ts';
import { MONGO, withMongo } from '../mongo.ts';
import { isUnreachable } from '../unreachable.ts';
import { baselineEntry } from './baseline.ts';
import type { EngineOptions, LockedTarget, MigrationEngine, Target } from './engine.ts';
import { LEDGER, type LedgerEntry } from './ledger.ts';
import { leaseHolder, withLease, type Lease } from './mongo-lease.ts';
import { parseMongoSteps, type MongoStep } from './mongo-steps.ts';
import { compareVersions, type SourceText } from './source.ts';

interface LedgerDocument extends Omit<LedgerEntry, 'version' | 'appliedAt'> {
  _id: string;
  appliedAt: Date;
}

export const mongoEngine: MigrationEngine = {
  look: (options, work) => connected(options, (db) => work(looked(db))),
  withLock: (options, work) =>
    connected(options, (db, holder) =>
      withLease(db, { holder, signal: options.signal, log: options.log }, (lease) =>
        work(lockedTarget(db, lease, options)),
      ),
    ),
};

function connected<T>(options: EngineOptions, work: (db: Db, holder: string) => Promise<T>): Promise<T> {
  const holder = `orderplane-migrate ${options.input.run}`;
  return withMongo({ uri: options.uri, appName: holder, signal: options.signal }, (client) =>
    work(client.db(options.input.database), holder),
  );
}

function looked(db: Db): Target {
  return {
    readLedger: async () =>
      (await db.listCollections({ name: LEDGER }, { nameOnly: true }).hasNext()) ? readLedger(db) : undefined,
    existing: () => Promise.resolve([]),
    check: (texts) => {
      for (const text of texts) parseMongoSteps(text);
      return Promise.resolve([]);
    },
    lockHolder: () => leaseHolder(db),
  };
}

function lockedTarget(db: Db, lease: Lease, { input }: EngineOptions): LockedTarget {
  const ledger = db.collection<LedgerDocument>(LEDGER);
  const maxTimeMS = durationMs(input.policy.statementTimeout);
  const run = async (text: SourceText): Promise<number> => {
    const startedAt = performance.now();
    for (const step of parseMongoSteps(text)) {
      await lease.assertHeld();
      await runStep(db, text, step, maxTimeMS);
    }
    await lease.assertHeld();
    return Math.round(performance.now() - startedAt);
  };
  return {
    ...looked(db),
    ensureLedger: async (baseline) => {
      if (baseline !== undefined) await ledger.insertOne(documentOf(baselineEntry(baseline, input.run)));
    },
    apply: async (migration) => {
      const elapsedMs = await run(migration);
      const { version, name, checksum } = migration;
      const entry = { version, name, checksum, kind: 'up', state: 'applied', run: input.run } as const;
      await ledger.insertOne(documentOf({ ...entry, appliedAt: new Date().toISOString(), durationMs: elapsedMs }));
      return { durationMs: elapsedMs };
    },
    revert: async (migration) => {
      const elapsedMs = await run(migration.down);
      await ledger.deleteOne({ _id: migration.version });
      return { durationMs: elapsedMs };
    },
  };
}

function documentOf({ version, appliedAt, ...entry }: LedgerEntry): LedgerDocument {
  return { _id: version, ...entry, appliedAt: new Date(appliedAt) };
}

async function readLedger(db: Db): Promise<LedgerEntry[]> {
  const documents = await db.collection<LedgerDocument>(LEDGER).find().toArray();
  return documents
    .map(({ _id, appliedAt, kind = 'up', state = 'applied', ...entry }) => {
      if (!/^\d+$/.test(String(_id)) || !(appliedAt instanceof Date)) {
        throw new JobError(
          'ForeignLedger',
          `the collection ${LEDGER} is not a ledger of ours: it holds a document ${JSON.stringify(_id)}`,
        );
      }
      return { version: _id, kind, state, ...entry, appliedAt: appliedAt.toISOString() };
    })
    .sort((a, b) => compareVersions(a.version, b.version));
}

async function runStep(db: Db, file: SourceText, step: MongoStep, maxTimeMS: number): Promise<void> {
  try {
    await perform(db, step, maxTimeMS);
  } catch (error) {
    if (isUnreachable(error)) throw error;
    throw new JobError('StatementFailed', `${file.file}:${step.line}: ${step.kind}: ${messageOf(error)}`, {
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
