import { migrationSpec, Migrations, READY, type Migration, type MigrationStatus } from '../../api/v1alpha1/index.ts';
import { REQUESTED_AT } from '../../resources/labels.ts';
import { migrationInputHash, migrationJob } from '../../resources/migration-job.ts';
import {
  applyStatusIfChanged,
  done,
  findCondition,
  isDeleting,
  requeueAfter,
  type ObjectKey,
  type ReconcileContext,
  type Result,
} from '../../runtime/index.ts';
import { unmetMigration, waitingCycle } from '../after.ts';
import type { Deps } from '../deps.ts';
import { soonest, stalled, toFinding, waiting, type Fact } from '../fact.ts';
import { describeIssues } from '../invalid.ts';
import { recordChanges, withReady } from '../ready.ts';
import { advanceRun } from '../runs/advance.ts';
import { REFUSALS } from '../runs/plan.ts';
import { suspended } from '../target.ts';
import { policedBy } from './approval.ts';
import { migrationFact } from './fact.ts';
import { CONFIG_MAP_POLL_MS, migrationFiles } from './source.ts';
import { ensureRestoreVolume, VOLUME_POLL_MS } from './restore-volume.ts';
import { knownAfter } from './status.ts';
import { asPlatformSays, migrationTarget } from './target.ts';

/** What a visit found: the fact that becomes Ready, and what is known of the database now; where nothing could be asked, what was known. */
interface Finding {
  fact: Fact;
  known?: MigrationStatus;
}

/** Brings a database to the version that is wanted, once. */
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
  const { status: before = {} } = object;
  const { name, namespace = '', uid = '' } = object.metadata;
  const {
    target,
    platform,
    isSuspended,
    fault: unreachable,
  } = await migrationTarget(deps, parsed.data, { namespace, signal });
  if (!target) return { fact: unreachable };
  const spec = asPlatformSays(object, parsed.data, platform);
  const { files, fault: missing } = await migrationFiles(deps, spec, { namespace, platform, signal });
  if (!files) return { fact: missing };

  const { images, pullSecrets } = platform ?? { images: deps.images, pullSecrets: [] };
  const requestedAt = requestOf(object);
  const wish = {
    name,
    namespace,
    uid,
    generation: object.metadata.generation ?? 0,
    spec,
    files,
    target,
    requestedAt,
    last: before.run && { ...before.run, handledRequestAt: before.lastHandledRequestAt },
    operatorImage: images.operator,
    pullSecrets,
  };
  const inputHash = migrationInputHash(wish);
  const { restoreVolume, sizeFault, giveUp } = await ensureRestoreVolume(deps, spec, target, {
    name,
    namespace,
    inputHash,
    last: before.run,
    signal,
  });
  const job = migrationJob({ ...wish, restoreVolume }, inputHash);
  const unmet = unmetMigration(deps, namespace, spec.after);
  const mayStart = !isSuspended && unmet === undefined;
  const progress = await advanceRun(deps, job, before.run, { mayStart, giveUp, signal });
  const visit = {
    inputHash,
    mode: spec.mode,
    requestedAt,
    source: files.description,
    restoreFrom: spec.restoreFrom?.restorePoint,
  };
  const known = knownAfter(before, progress, visit);
  if (!progress.isSettled && !progress.running) {
    if (isSuspended) return { fact: suspended(platform?.name ?? ''), known };
    if (unmet !== undefined) return { fact: waitingFact(deps, object, unmet), known };
  }
  const policed = policedBy(object, (platformName) => deps.caches.platforms.get({ namespace, name: platformName }));
  const fact = withSizeFault(migrationFact({ policed, spec, status: known, progress }), sizeFault);
  const looks = soonest(
    spec.source.configMapRef || spec.target ? CONFIG_MAP_POLL_MS : undefined,
    giveUp && progress.running ? VOLUME_POLL_MS : undefined,
  );
  return { fact: withLook(fact, looks), known };
}

/** The request for another run, as far as a status can hold it. */
function requestOf({ metadata: { annotations } }: Migration): string | undefined {
  return annotations?.[REQUESTED_AT]?.slice(0, 253) || undefined;
}

function waitingFact(deps: Deps, object: Migration, unmet: string): Fact {
  const cycle = waitingCycle(deps, object);
  if (!cycle) return waiting('WaitingForMigration', unmet);
  return stalled(
    'DependencyCycle',
    `by their spec.after Migrations wait for each other: ${cycle.join(' → ')}. Drop one of these`,
  );
}

/** The volume for restore points is not as wanted: that keeps nothing from being done. */
function withSizeFault(fact: Fact, fault: string | undefined): Fact {
  return fault === undefined ? fact : { ...fact, message: `${fact.message}. Warning: ${fault}` };
}

/** A user's own ConfigMaps and Secrets are not watched. */
function withLook(fact: Fact, everyMs: number | undefined): Fact {
  const retryAfterMs = soonest(fact.retryAfterMs, everyMs);
  return retryAfterMs === undefined ? fact : { ...fact, retryAfterMs };
}

async function writeStatus(
  deps: Deps,
  object: Migration,
  { fact, known }: Finding,
  { signal }: ReconcileContext,
): Promise<void> {
  const generation = object.metadata.generation ?? 0;
  const status: MigrationStatus = {
    ...(known ?? knownAfter(object.status ?? {}, undefined, undefined)),
    observedGeneration: generation,
    conditions: withReady(object.status?.conditions, fact, generation, deps.clock.now()),
  };
  const { name, namespace } = object.metadata;
  const desired = { metadata: { name, ...(namespace && { namespace }) }, spec: object.spec, status };
  const { action } = await applyStatusIfChanged(deps.client, Migrations, desired, object, { signal });
  if (action !== 'updated') return;
  recordChanges(deps.recorder, object, object.status?.conditions, status.conditions ?? []);
  recordRefusal(deps, object, fact);
  recordWarning(deps, object, status.restorePointWarning);
}

function recordWarning({ recorder }: Deps, object: Migration, message: string | undefined): void {
  if (message === undefined || message === object.status?.restorePointWarning) return;
  recorder.event(object, { type: 'Warning', reason: 'RestorePointMissing', action: 'Migrate', message });
}

/** Somebody is asked to decide: once a refusal, though Ready was False before. */
function recordRefusal({ recorder }: Deps, object: Migration, { reason, message }: Fact): void {
  const before = findCondition(object.status?.conditions, READY);
  if (!REFUSALS.has(reason) || before?.reason === reason || before?.status === 'True') return;
  recorder.event(object, { type: 'Warning', reason, action: 'Migrate', message });
}
