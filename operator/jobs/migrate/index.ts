import type { JobResult, MigrateInput, MigrateResult, MigrationPlan } from '../contract.ts';
import { durationMs, migrateInput } from '../contract.ts';
import { JobError } from '../failures.ts';
import { requireServer, runJob, type JobContext, type JobEnv } from '../job.ts';
import { createProgress } from '../progress.ts';
import type { RestorePointOutcome } from '../restore-point/take.ts';
import { retryWhileUnreachable } from '../unreachable.ts';
import { baselineEntry, baselineOf } from './baseline.ts';
import type { EngineOptions, LockedTarget, MigrationEngine, Target } from './engine.ts';
import { newestOf, type LedgerEntry } from './ledger.ts';
import { begunBy, describePlan, downOf, planSteps, textsOf, unappliedOf, type Steps } from './plan.ts';
import { downRefusal, refuseByPolicy } from './policy.ts';
import { compareVersions, readSource, type MigrationFile } from './source.ts';

/** How much of the ledger goes into the result, and so into a status. */
const SHOWN_ENTRIES = 20;

/** What is to be done, after a look at source and ledger. */
interface Outlook {
  ledger: readonly LedgerEntry[];
  /** The version that a database without ledger is to count as. */
  baseline: string | undefined;
  steps: Steps;
  /** Absent where nothing is pending. */
  plan?: MigrationPlan;
}

/** Brings one database to a version. Killed at any point and run again, each migration is applied once. */
export function runMigrate(env: JobEnv, signal: AbortSignal): Promise<JobResult<MigrateResult>> {
  return runJob({ name: 'migrate', input: migrateInput, run: migrate }, env, signal);
}

async function migrate({ input, env, signal, log }: JobContext<MigrateInput>): Promise<MigrateResult> {
  const uri = requireServer(env, 'ADMIN_URI').uri;
  const engine = await loadEngine(input.engine);
  const source = await readSource(input.source.dir, input.engine);
  const options: EngineOptions = { uri, input, ownerRole: env.OWNER_ROLE || undefined, env, signal, log };
  const attempt = () => {
    if (input.restoreFrom) return goBack(engine, source, input.restoreFrom, options);
    return input.mode === 'Plan'
      ? engine.look(options, (target) => report(target, source, options))
      : engine.withLock(options, (target) => bringUpToDate(target, source, options));
  };
  return retryWhileUnreachable(attempt, { what: `the ${input.engine} database "${input.database}"`, signal, log });
}

async function loadEngine(engine: MigrateInput['engine']): Promise<MigrationEngine> {
  return engine === 'postgres'
    ? (await import('./postgres-engine.ts')).postgresEngine
    : (await import('./mongo-engine.ts')).mongoEngine;
}

async function report(
  target: Target,
  source: readonly MigrationFile[],
  { input, log }: EngineOptions,
): Promise<MigrateResult> {
  const lockHolder = await target.lockHolder();
  if (lockHolder) log.info({ lockHolder }, `${lockHolder} migrates this database at this moment: the plan may be old`);
  const { ledger, plan } = await lookAhead(target, source, input);
  return resultOf(input, source, ledger, plan);
}

async function bringUpToDate(
  target: LockedTarget,
  source: readonly MigrationFile[],
  options: EngineOptions,
): Promise<MigrateResult> {
  const { input } = options;
  const outlook = await lookAhead(target, source, input);
  const { steps, plan, baseline } = outlook;
  if (plan) refuseByPolicy(input, source, steps, plan);
  if (!plan && baseline === undefined) return resultOf(input, source, outlook.ledger, plan);
  await target.ensureLedger(baseline);
  // The ledger is part of what a restore point brings back.
  const saved = plan ? await savePresent(outlook, options) : {};
  await run(target, steps, options);
  return { ...resultOf(input, source, (await target.readLedger()) ?? [], plan), ...told(saved) };
}

/** A restore point from before the first file, where the policy asks for one. */
async function savePresent({ ledger }: Outlook, options: EngineOptions): Promise<RestorePointOutcome> {
  const { input, uri, env, signal, log } = options;
  const { restorePoint: policy, database, run } = input;
  if (!policy) return {};
  const { takeRestorePoint } = await import('../restore-point/take.ts');
  const lockTimeoutMs = durationMs(input.policy.lockTimeout);
  const version = newestOf(ledger)?.version ?? '';
  return takeRestorePoint({ uri, database, policy, lockTimeoutMs, version, run, env, signal, log });
}

/** Takes the database back to a restore point, and tells what it has then; nothing is applied. */
async function goBack(
  engine: MigrationEngine,
  source: readonly MigrationFile[],
  { id, dir, request }: NonNullable<MigrateInput['restoreFrom']>,
  options: EngineOptions,
): Promise<MigrateResult> {
  const { input, uri, ownerRole, env, signal, log } = options;
  const { database, restorePoint: policy, run } = input;
  const restorePoint = await import('../restore-point/restore.ts');
  const lockTimeoutMs = durationMs(input.policy.lockTimeout);
  const saved = await restorePoint.goBack({ uri, database, dir, id, request, policy, ownerRole, lockTimeoutMs, run, env, signal, log }); // prettier-ignore
  const ledger = await engine.look(options, (target) => target.readLedger());
  return { ...resultOf(input, source, ledger ?? [], undefined), ...told(saved) };
}

function told({ restorePoint, restorePoints, warning }: RestorePointOutcome): Partial<MigrateResult> {
  return {
    ...(restorePoint && { restorePoint }),
    ...(restorePoints && { restorePoints }),
    ...(warning && { restorePointWarning: warning }),
  };
}

async function lookAhead(target: Target, source: readonly MigrationFile[], input: MigrateInput): Promise<Outlook> {
  const recorded = await target.readLedger();
  const baseline = recorded ? undefined : await baselineOf(target, source, input);
  const ledger = recorded ?? (baseline === undefined ? [] : [baselineEntry(baseline, input.run)]);
  const steps = planSteps(source, ledger, input.toVersion);
  if (steps.pending.length === 0) return { ledger, baseline, steps };
  refuseMissingDown(steps, input);
  const plan = describePlan(
    steps,
    await target.check(textsOf(steps), steps.direction === 'Up' ? begunBy(source, ledger) : []),
  );
  return { ledger, baseline, steps, plan };
}

/** Where the way down is closed anyway, a file that is missing on it is not what to tell. */
function refuseMissingDown({ direction, pending }: Steps, { mode, policy, toVersion }: MigrateInput): void {
  if (direction === 'Up' || pending.every(({ down }) => down)) return;
  if (mode === 'Plan' || policy.down === 'Allow') pending.forEach(downOf);
  const files = pending.map(({ file }) => file.replace('.up.', '.down.'));
  throw new JobError('DownRefused', downRefusal(toVersion, files));
}

async function run(target: LockedTarget, { direction, pending }: Steps, { signal, log }: EngineOptions): Promise<void> {
  const progress = createProgress(log);
  try {
    for (const [i, migration] of pending.entries()) {
      signal.throwIfAborted();
      const { file } = direction === 'Up' ? migration : downOf(migration);
      log.info({ file }, `applying ${file}`);
      progress.tell(`file ${i + 1} of ${pending.length}: ${file}`);
      const { durationMs } = await (direction === 'Up'
        ? target.apply(migration, { remaining: pending.length - i - 1 })
        : target.revert({ ...migration, down: downOf(migration) }));
      log.info({ file, durationMs }, `applied ${file}`);
    }
  } finally {
    progress.end();
  }
}

function resultOf(
  input: MigrateInput,
  source: readonly MigrationFile[],
  ledger: readonly LedgerEntry[],
  plan: MigrationPlan | undefined,
): MigrateResult {
  const applied = ledger.filter((entry) => entry.state === 'applied');
  const currentVersion = newestOf(applied)?.version ?? '';
  const newest = source.at(-1);
  return {
    currentVersion,
    applied: applied
      .slice(-SHOWN_ENTRIES)
      .map(({ version, name, durationMs, appliedAt }) => ({ version, name, durationMs, appliedAt })),
    appliedByThisRun: applied.filter((entry) => entry.run === input.run && entry.kind === 'up').length,
    pending: unappliedOf(source, ledger).map(({ file }) => file),
    isAhead: newest !== undefined && currentVersion !== '' && compareVersions(currentVersion, newest.version) > 0,
    ...(plan && { plan }),
  };
}
