import {
  migrationSpec,
  Migrations,
  type Migration,
  type MigrationSpec,
  type MigrationStatus,
} from '../../api/v1alpha1/index.ts';
import type { MigrateResult } from '../../jobs/contract.ts';
import { migrationJob, type MigrationFiles } from '../../resources/migration-job.ts';
import {
  applyStatusIfChanged,
  done,
  isDeleting,
  requeueAfter,
  type ObjectKey,
  type ReconcileContext,
  type Result,
} from '../../runtime/index.ts';
import type { Deps } from '../deps.ts';
import { holds, stalled, toFinding, type Fact } from '../fact.ts';
import { describeIssues } from '../invalid.ts';
import { recordChanges, withReady } from '../ready.ts';
import { advanceRun, type RunProgress } from '../runs/advance.ts';
import { unfinishedRun } from '../runs/fact.ts';
import { CONFIG_MAP_POLL_MS, migrationFiles } from './source.ts';
import { suspended } from '../target.ts';
import { migrationTarget } from './target.ts';

/** What a visit found: the fact that becomes Ready, and what a run brought to light. */
interface Finding {
  fact: Fact;
  progress?: RunProgress;
  files?: MigrationFiles;
}

/** Brings a database to the newest of its migrations, once. */
export async function reconcileMigration(deps: Deps, key: ObjectKey, context: ReconcileContext): Promise<Result> {
  const object = deps.caches.migrations.get(key);
  if (!object || isDeleting(object)) return done();
  const { finding, error } = await toFinding<Finding>(() => migrate(deps, object, context));
  await writeStatus(deps, object, finding, context);
  if (error) throw error;
  const { retryAfterMs } = finding.fact;
  return retryAfterMs === undefined ? done() : requeueAfter(retryAfterMs);
}

async function migrate(deps: Deps, object: Migration, { signal }: ReconcileContext): Promise<Finding> {
  const parsed = migrationSpec.safeParse(object.spec);
  if (!parsed.success) return { fact: stalled('InvalidSpec', describeIssues(parsed.error)) };
  const spec = parsed.data;
  const { name, namespace = '', uid = '' } = object.metadata;
  const {
    target,
    platform,
    isSuspended,
    fault: unreachable,
  } = await migrationTarget(deps, spec, { namespace, signal });
  if (!target) return { fact: unreachable };
  const { files, fault: missing } = await migrationFiles(deps, spec, { namespace, platform, signal });
  if (!files) return { fact: missing };

  const { images, pullSecrets } = platform ?? { images: deps.images, pullSecrets: [] };
  const job = migrationJob({
    name,
    namespace,
    uid,
    spec,
    files,
    target,
    operatorImage: images.operator,
    pullSecrets,
  });
  const progress = await advanceRun(deps, job, object.status?.run, { mayStart: !isSuspended, signal });
  if (isSuspended && !progress.isSettled && !progress.running)
    return { fact: suspended(platform?.name ?? ''), progress, files };
  return { fact: factOf(spec, object.status, progress), progress, files };
}

function factOf(spec: MigrationSpec, status: MigrationStatus | undefined, progress: RunProgress): Fact {
  const look = spec.source.configMapRef || spec.target ? CONFIG_MAP_POLL_MS : undefined;
  if (!progress.isSettled) return unfinishedRun(progress, `migrating ${spec.database}`);
  const version = (progress.result as MigrateResult | undefined)?.currentVersion ?? status?.currentVersion;
  return holds(
    'UpToDate',
    version ? `${spec.database} is at version ${version}` : `${spec.database} has no migrations`,
    look,
  );
}

async function writeStatus(
  deps: Deps,
  object: Migration,
  { fact, progress, files }: Finding,
  { signal }: ReconcileContext,
): Promise<void> {
  const generation = object.metadata.generation ?? 0;
  const result = progress?.result as MigrateResult | undefined;
  const status: MigrationStatus = {
    ...object.status,
    ...(result && {
      currentVersion: result.currentVersion,
      applied: result.applied.map(({ version, name, durationMs, appliedAt }) => ({
        version,
        name,
        durationMs,
        appliedAt,
      })),
      pending: result.pending,
    }),
    ...(progress?.isSettled && files && { source: files.description }),
    ...(progress?.record && { run: definedOnly(progress.record) }),
    observedGeneration: generation,
    conditions: withReady(object.status?.conditions, fact, generation, deps.clock.now()),
  };
  const { name, namespace } = object.metadata;
  const desired = { metadata: { name, ...(namespace && { namespace }) }, spec: object.spec, status };
  const { action } = await applyStatusIfChanged(deps.client, Migrations, desired, object, { signal });
  if (action === 'updated') recordChanges(deps.recorder, object, object.status?.conditions, status.conditions ?? []);
}

function definedOnly<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}
