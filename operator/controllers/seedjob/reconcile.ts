import {
  seedJobSpec,
  SeedJobs,
  type Engine,
  type SeedJob,
  type SeedJobSpec,
  type SeedJobStatus,
  type SeedRun,
} from '../../api/v1alpha1/index.ts';
import type { SeedResult } from '../../jobs/contract.ts';
import { adminServer } from '../../resources/platform-jobs.ts';
import type { Platform } from '../../resources/platform.ts';
import { seedRun } from '../../resources/seed-run.ts';
import {
  applyStatusIfChanged,
  done,
  isDeleting,
  requeueAfter,
  type ObjectKey,
  type ReconcileContext,
  type Result,
} from '../../runtime/index.ts';
import { unmetMigration } from '../after.ts';
import type { Deps } from '../deps.ts';
import { holds, stalled, toFinding, waiting, type Fact } from '../fact.ts';
import { describeIssues } from '../invalid.ts';
import { recordChanges, withReady } from '../ready.ts';
import { advanceRun, type RunProgress } from '../runs/advance.ts';
import { unfinishedRun } from '../runs/fact.ts';
import { platformDatabase, suspended } from '../target.ts';

const KEPT_RUNS = 10;

/** Runs a seed when its input has changed, and only then. */
export async function reconcileSeedJob(deps: Deps, key: ObjectKey, context: ReconcileContext): Promise<Result> {
  const object = deps.caches.seedJobs.get(key);
  if (!object || isDeleting(object)) return done();
  const { finding, error } = await toFinding<Finding>(() => seed(deps, object, context));
  await writeStatus(deps, object, finding, context);
  if (error) throw error;
  const { retryAfterMs } = finding.fact;
  return retryAfterMs === undefined ? done() : requeueAfter(retryAfterMs);
}

interface Finding {
  fact: Fact;
  progress?: RunProgress | undefined;
}

async function seed(deps: Deps, object: SeedJob, { signal }: ReconcileContext): Promise<Finding> {
  const parsed = seedJobSpec.safeParse(object.spec);
  if (!parsed.success) return { fact: stalled('InvalidSpec', describeIssues(parsed.error)) };
  const spec = parsed.data;
  const { name, namespace = '', uid = '' } = object.metadata;
  const { stores, fault } = seedStores(deps, namespace, spec);
  if (!stores) return { fact: fault };
  const { isSuspended, ...input } = stores;
  const unmet = unmetMigration(deps, namespace, spec.after);
  const job = seedRun({ name, namespace, uid, spec, ...input });
  const progress = await advanceRun(deps, job, object.status?.runs?.[0], {
    mayStart: unmet === undefined && !isSuspended,
    signal,
  });
  if (progress.isSettled) return { fact: holds('Applied', 'the seed has run'), progress };
  if (isSuspended && !progress.running) return { fact: suspended(spec.platformRef.name), progress };
  const isWaiting = unmet !== undefined && progress.running === undefined;
  return { fact: isWaiting ? waiting('WaitingForMigration', unmet) : unfinishedRun(progress, 'seeding'), progress };
}

interface SeedStores {
  servers: Parameters<typeof seedRun>[0]['servers'];
  identities: string[];
  isSuspended: boolean;
  operatorImage: string;
  pullSecrets: string[];
}

function seedStores(
  deps: Deps,
  namespace: string,
  spec: SeedJobSpec,
): { stores: SeedStores; fault?: never } | { stores?: never; fault: Fact } {
  const servers = new Map<Engine, SeedStores['servers'][number]>();
  const identities = new Set<string>();
  let isSuspended = false;
  let platform: Platform | undefined;
  for (const { engine, database } of spec.datasets) {
    const { found, fault } = platformDatabase(deps, { namespace, platform: spec.platformRef.name, engine, database });
    if (!found) return { fault };
    servers.set(engine, adminServer(found.platform, engine));
    identities.add(found.identity);
    isSuspended = found.isSuspended;
    platform = found.platform;
  }
  const { images, pullSecrets } = platform ?? { images: deps.images, pullSecrets: [] };
  const input = { servers: [...servers.values()], identities: [...identities].sort() };
  return { stores: { ...input, operatorImage: images.operator, pullSecrets, isSuspended } };
}

async function writeStatus(
  deps: Deps,
  object: SeedJob,
  { fact, progress }: Finding,
  { signal }: ReconcileContext,
): Promise<void> {
  const generation = object.metadata.generation ?? 0;
  const runs = withRun(object.status?.runs ?? [], progress);
  const succeeded = runs.find(({ outcome }) => outcome === 'Succeeded');
  const status: SeedJobStatus = {
    observedGeneration: generation,
    ...(succeeded && { inputHash: succeeded.inputHash }),
    ...(runs.length > 0 && { runs }),
    conditions: withReady(object.status?.conditions, fact, generation, deps.clock.now()),
  };
  const { name, namespace } = object.metadata;
  const desired = { metadata: { name, ...(namespace && { namespace }) }, spec: object.spec, status };
  const { action } = await applyStatusIfChanged(deps.client, SeedJobs, desired, object, { signal });
  if (action === 'updated') recordChanges(deps.recorder, object, object.status?.conditions, status.conditions ?? []);
}

/** The runs, newest first, with the one that this visit recorded. */
export function withRun(runs: readonly SeedRun[], progress: RunProgress | undefined): SeedRun[] {
  const { record, result } = progress ?? {};
  if (!record || record.number === runs[0]?.number) return [...runs];
  const counts = (result as SeedResult | undefined)?.datasets;
  const run: SeedRun = { ...record, ...(counts && record.outcome === 'Succeeded' && { datasets: counts }) };
  const defined = Object.fromEntries(Object.entries(run).filter(([, value]) => value !== undefined)) as SeedRun;
  return [defined, ...runs].slice(0, KEPT_RUNS);
}
