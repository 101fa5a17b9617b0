import {
  orderPlatformSpec,
  OrderPlatforms,
  type OrderPlatform,
  type OrderPlatformStatus,
} from '../../api/v1alpha1/index.ts';
import { releaseOf } from '../../resources/release.ts';
import { resolvePlatform } from '../../resources/resolve.ts';
import {
  addFinalizer,
  applyStatusIfChanged,
  done,
  hasFinalizer,
  isDeleting,
  requeueAfter,
  toError,
  type ObjectKey,
  type ReconcileContext,
  type Result,
} from '../../runtime/index.ts';
import { offered, type Deps } from '../deps.ts';
import { nextLook, soonest, stalled, toFinding } from '../fact.ts';
import { describeIssues } from '../invalid.ts';
import { recordChanges } from '../ready.ts';
import { finalize, FINALIZER } from './finalize.ts';
import { withConnectionsOfRunningPods } from './pinning/connections.ts';
import { pruneRevisions } from './pinning/record.ts';
import { recordUpgrade } from './pinning/upgrade.ts';
import { PHASES } from './phases/index.ts';
import { nextDeadlineMs } from './progress.ts';
import { pruneUnwanted } from './prune.ts';
import { rotateCredentials } from './rotation.ts';
import { newScope, type Scope } from './scope.ts';
import { deriveStatus, invalidStatus } from './status.ts';
import { recordResumption, suspendedStatus } from './suspend.ts';

/** Brings a platform one step further, and repairs what was applied before. */
export async function reconcilePlatform(deps: Deps, key: ObjectKey, context: ReconcileContext): Promise<Result> {
  const object = deps.caches.platforms.get(key);
  if (!object) return done();
  if (isDeleting(object)) return finalize(deps, object, context);
  if (object.spec.suspend) {
    await writeStatus(deps, object, suspendedStatus(deps, object), context);
    return done();
  }
  recordResumption(deps, object);
  if (!hasFinalizer(object, FINALIZER)) await addFinalizer(deps.client, OrderPlatforms, object, FINALIZER, context);

  const { platform, violation } = parsePlatform(deps, object);
  if (!platform) {
    await writeStatus(deps, object, invalidStatus(deps, object, stalled('InvalidSpec', violation)), context);
    return done();
  }
  const scope = newScope(object, platform, context);
  const errors = await runPhases(deps, scope);
  const status = deriveStatus(deps, scope, errors.length === 0);
  await writeStatus(deps, object, status, context);
  if (errors.length > 0) throw errors[0];
  const deadlineMs = nextDeadlineMs(status.waiting ?? [], platform.progressDeadlineSeconds, deps.clock.now());
  const lookAgainMs = soonest(nextLook([...scope.facts.values()]), deadlineMs);
  return lookAgainMs === undefined ? done() : requeueAfter(lookAgainMs);
}

type Parsed = { platform: Scope['platform']; violation?: never } | { platform?: never; violation: string };

function parsePlatform(deps: Deps, object: OrderPlatform): Parsed {
  const { metadata, spec } = object;
  const parsed = orderPlatformSpec.safeParse(spec);
  if (!parsed.success) return { violation: describeIssues(parsed.error) };
  const identity = { name: metadata.name, namespace: metadata.namespace ?? '', uid: metadata.uid ?? '' };
  const { images, version } = releaseOf(object, offered(deps));
  const { platform, violations } = resolvePlatform(identity, parsed.data, images, {
    version,
    others: Object.keys(deps.releases),
  });
  return platform ? { platform: withConnectionsOfRunningPods(deps, platform) } : { violation: violations.join('; ') };
}

/** Runs every phase, also after one that failed: what waits or breaks in one place does not keep another from repair. */
async function runPhases(deps: Deps, scope: Scope): Promise<Error[]> {
  const errors: Error[] = [];
  for (const { stage, run } of PHASES) {
    const { finding, error } = await toFinding(async () => ({ fact: await run(deps, scope) }));
    scope.facts.set(stage, finding.fact);
    if (error) errors.push(error);
  }
  const finish = async () => {
    await rotateCredentials(deps, scope);
    await pruneUnwanted(deps, scope);
    await pruneRevisions(deps, scope);
  };
  if (errors.length === 0) await finish().catch((error: unknown) => errors.push(toError(error)));
  return errors;
}

/** The one place that writes the status: at the end of a visit, however it went, and only what changed. */
async function writeStatus(
  deps: Deps,
  object: OrderPlatform,
  status: OrderPlatformStatus,
  { signal }: ReconcileContext,
): Promise<void> {
  const { name, namespace } = object.metadata;
  const desired = { metadata: { name, ...(namespace && { namespace }) }, spec: object.spec, status };
  const { action } = await applyStatusIfChanged(deps.client, OrderPlatforms, desired, object, { signal });
  if (action === 'unchanged') return;
  recordChanges(deps.recorder, object, object.status?.conditions, status.conditions ?? []);
  recordUpgrade(deps.recorder, object, status);
}
