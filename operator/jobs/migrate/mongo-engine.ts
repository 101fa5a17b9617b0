import type { Db } from 'mongodb';
import { durationMs } from '../contract.ts';
import { JobError, messageOf } from '../failures.ts';
import { withMongo } from '../mongo.ts';
import { createProgress } from '../progress.ts';
import { isUnreachable } from '../unreachable.ts';
import { baselineEntry } from './baseline.ts';
import type { EngineOptions, LockedTarget, MigrationEngine, Target } from './engine.ts';
import { findingsOf } from './mongo-findings.ts';
import { leaseHolder, withLease, type Lease } from './mongo-lease.ts';
import { claim, collectionNames, entryOf, readDocuments, writeBaseline } from './mongo-ledger.ts';
import { perform } from './mongo-perform.ts';
import { collectionOf, describeStep, parseMongoSteps, stepChecksum, type MongoStep } from './mongo-steps.ts';
import type { MigrationFile, SourceText } from './source.ts';

export const mongoEngine: MigrationEngine = {
  look: (options, work) => withDatabase(options, (db) => work(targetOf(db))),
  withLock: (options, work) =>
    withDatabase(options, (db) =>
      withLease(db, { holder: holderOf(options), signal: options.signal, log: options.log }, (lease) =>
        work(lockedTarget(db, lease, options)),
      ),
    ),
};

const holderOf = ({ input }: EngineOptions): string => `orderplane-migrate ${input.run}`;

function withDatabase<T>(options: EngineOptions, work: (db: Db) => Promise<T>): Promise<T> {
  const { uri, signal, input } = options;
  return withMongo({ uri, appName: holderOf(options), signal }, (client) => work(client.db(input.database)));
}

function targetOf(db: Db): Target {
  return {
    readLedger: async () => (await readDocuments(db))?.map(entryOf),
    existing: async () => {
      const names = await collectionNames(db);
      return names.filter((name) => !/^(system\.|orderplane_)/.test(name)).sort();
    },
    check: (texts, begun) => findingsOf(db, texts, begun),
    lockHolder: () => leaseHolder(db),
  };
}

function lockedTarget(db: Db, lease: Lease, options: EngineOptions): LockedTarget {
  const { run } = options.input;
  return {
    ...targetOf(db),
    ensureLedger: async (baseline) => {
      if (baseline !== undefined) await writeBaseline(db, lease, baselineEntry(baseline, run));
    },
    apply: (migration, { remaining }) =>
      carryOut({ db, lease, options, migration, kind: 'up', text: migration, remaining }),
    revert: (migration) =>
      carryOut({ db, lease, options, migration, kind: 'down', text: migration.down, remaining: 0 }),
  };
}

interface Work {
  db: Db;
  lease: Lease;
  options: EngineOptions;
  migration: MigrationFile;
  kind: 'up' | 'down';
  text: SourceText;
  remaining: number;
}

/** Carries out what is left of a file, with a record of each step: killed anywhere, one step at most is carried out twice. */
async function carryOut(work: Work): Promise<{ durationMs: number }> {
  const startedAt = performance.now();
  const { db, lease, options, migration, kind, text, remaining } = work;
  const { run } = options.input;
  const steps = parseMongoSteps(text);
  const collections = [...new Set(steps.map(collectionOf))];
  const claimed = await claim(db, lease, migration, collections, { kind, run, remaining });
  claimed.done.forEach((record, i) => refuseEditedStep(text, steps, i, record));
  for (const [i, step] of steps.entries()) {
    if (i < claimed.done.length) continue;
    options.signal.throwIfAborted();
    const stepStartedAt = performance.now();
    await runStep(work, step, `step ${i + 1} of ${steps.length}`);
    await claimed.record({
      step: describeStep(step),
      checksum: stepChecksum(step),
      appliedAt: new Date(),
      durationMs: Math.round(performance.now() - stepStartedAt),
      run,
    });
  }
  await claimed.finish();
  return { durationMs: Math.round(performance.now() - startedAt) };
}

/** A file that was begun may be mended from the step on that failed; what was carried out of it stays as it is. */
function refuseEditedStep(
  text: SourceText,
  steps: readonly MongoStep[],
  i: number,
  record: { step: string; checksum: string },
): void {
  const step = steps[i];
  if (step && stepChecksum(step) === record.checksum) return;
  throw new JobError(
    'EditedMigration',
    `${text.file}:${step?.line ?? 1}: step ${i + 1} of this file, ${record.step}, was carried out before it was edited: restore it, and put the change into a step after it`,
  );
}

async function runStep({ db, lease, options, text }: Work, step: MongoStep, position: string): Promise<void> {
  const { statementTimeout } = options.input.policy;
  const startedAt = performance.now();
  const stepLeft = (): number => Math.ceil(durationMs(statementTimeout) - (performance.now() - startedAt));
  const at = `${text.file}:${step.line}: ${describeStep(step)}`;
  const tooLong = () =>
    new JobError('StatementFailed', `${at}: took longer than policy.statementTimeout, ${statementTimeout}`);
  const progress = createProgress(options.log);
  const within = async (): Promise<number> => {
    const ms = Math.min(await lease.left(), stepLeft());
    if (ms <= 0) throw tooLong();
    return ms;
  };
  const onProgress = (documents: number): void =>
    progress.tell(`${text.file}: ${position}, ${describeStep(step)}: ${documents} documents`);
  try {
    await perform({ db, within, stepLeft: () => Math.max(1, stepLeft()), onProgress }, step);
  } catch (error) {
    if (isUnreachable(error) || (error instanceof JobError && error.reason !== 'StatementFailed')) throw error;
    if (stepLeft() <= 0) throw tooLong();
    // A command that ran out of time ran out of what was left of the lease, and so may the lease have.
    await lease.left();
    throw new JobError('StatementFailed', `${at}: ${messageOf(error)}`, { cause: error });
  } finally {
    progress.end();
  }
}
