import type { JobResult, MigrateInput, MigrateResult } from '../contract.ts';
import { migrateInput } from '../contract.ts';
import { requireServer, runJob, type JobContext, type JobEnv } from '../job.ts';
import { retryWhileUnreachable } from '../unreachable.ts';
import type { EngineOptions, LockedTarget, MigrationEngine } from './engine.ts';
import { newestOf, pendingMigrations } from './plan.ts';
import { readSource, type MigrationFile } from './source.ts';

/** How much of the ledger goes into the result, and so into a status. */
const SHOWN_ENTRIES = 20;

/** Applies the pending migrations of one database. Killed at any point and run again, each is applied once. */
export function runMigrate(env: JobEnv, signal: AbortSignal): Promise<JobResult<MigrateResult>> {
  return runJob({ name: 'migrate', input: migrateInput, run: migrate }, env, signal);
}

async function migrate({ input, env, signal, log }: JobContext<MigrateInput>): Promise<MigrateResult> {
  const uri = requireServer(env, 'ADMIN_URI').uri;
  const engine = await loadEngine(input.engine);
  const source = await readSource(input.source.dir, input.engine);
  for (const migration of source) await engine.check(migration);

  const options: EngineOptions = { uri, input, ownerRole: env.OWNER_ROLE || undefined, signal, log };
  return retryWhileUnreachable(() => engine.withLock(options, (target) => applyPending(target, source, options)), {
    what: `the ${input.engine} database "${input.database}"`,
    signal,
    log,
  });
}

async function loadEngine(engine: MigrateInput['engine']): Promise<MigrationEngine> {
  return engine === 'postgres'
    ? (await import('./postgres-engine.ts')).postgresEngine
    : (await import('./mongo-engine.ts')).mongoEngine;
}

async function applyPending(
  target: LockedTarget,
  source: readonly MigrationFile[],
  { input, signal, log }: EngineOptions,
): Promise<MigrateResult> {
  const pending = pendingMigrations(source, await target.readLedger());
  for (const [i, migration] of pending.entries()) {
    signal.throwIfAborted();
    const progress = { file: migration.file, number: i + 1, of: pending.length };
    log.info(progress, `applying ${migration.file}`);
    const { durationMs } = await target.apply(migration);
    log.info({ ...progress, durationMs }, `applied ${migration.file}`);
  }
  const ledger = await target.readLedger();
  return {
    currentVersion: newestOf(ledger)?.version ?? '',
    applied: ledger
      .slice(-SHOWN_ENTRIES)
      .map(({ version, name, durationMs, appliedAt }) => ({ version, name, durationMs, appliedAt })),
    appliedByThisRun: ledger.filter((entry) => entry.run === input.run).length,
    pending: [],
  };
}
