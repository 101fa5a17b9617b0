import {
  READY,
  STAGES,
  SUSPENDED,
  type ComponentStatus,
  type DatabaseStatus,
  type OrderPlatformStatus,
} from '../../api/v1alpha1/index.ts';
import { findCondition, removeCondition, type Condition } from '../../runtime/index.ts';
import { keptRelease, releaseOf } from '../../resources/release.ts';
import { urlOf } from '../../resources/ingress.ts';
import { ofPlatform } from '../caches.ts';
import { offered, type Deps } from '../deps.ts';
import { blockingFact, holds, waiting, type Fact } from '../fact.ts';
import { withReady, withStage, withUnknown } from '../ready.ts';
import { upgradeAvailable } from './pinning/upgrade.ts';
import { doneIn, overdueStage, trackProgress, type StageProgress } from './progress.ts';
import { migrationFault } from './requirements.ts';
import type { Scope } from './scope.ts';

/**
 * Turns what a visit found into the status: the one place where facts become conditions.
 * @param isHandled whether the visit could do all that it meant to; only then is this generation observed
 */
export function deriveStatus(deps: Deps, scope: Scope, isHandled: boolean): OrderPlatformStatus {
  const { object, platform, facts, available } = scope;
  const now = deps.clock.now();
  const generation = object.metadata.generation ?? 0;
  const url = urlOf(platform);
  let conditions: Condition[] = removeCondition(object.status?.conditions, SUSPENDED);
  for (const stage of STAGES) {
    const fact = facts.get(stage);
    if (fact) conditions = withStage(conditions, stage, fact, generation, now);
  }
  const isSame = findCondition(object.status?.conditions, READY)?.observedGeneration === generation;
  const before = isSame ? (object.status?.waiting ?? []) : [];
  const stagesWaiting = trackProgress(facts, (stage) => doneIn(stage, scope), before, now);
  const upgrade = upgradeAvailable(deps, scope);
  const overdue = overdueStage(stagesWaiting, platform.progressDeadlineSeconds, now);
  return {
    observedGeneration: isHandled ? generation : (object.status?.observedGeneration ?? -1),
    version: platform.version,
    ...(url && { url }),
    services: `${available.size}/${platform.services.length}`,
    components: componentsOf(scope),
    migrations: migrationsOf(deps, scope),
    databases: scope.databases.toSorted(byEngineAndName),
    release: keptRelease(releaseOf(object, offered(deps))),
    ...(upgrade && { upgradeAvailable: upgrade }),
    ...(scope.volumes.size > 0 && { volumes: Object.fromEntries(scope.volumes) }),
    ...(scope.lastHandledRotation && { lastHandledRotation: scope.lastHandledRotation }),
    runs: Array.from(scope.runs, ([name, record]) => ({ name, ...withoutUndefined(record) })),
    ...(stagesWaiting.length > 0 && { waiting: stagesWaiting }),
    conditions: withReady(
      withUnknown(conditions, STAGES, generation, now),
      withOverdue(isHandled ? readyFact(scope) : unfinishedFact(scope), overdue, scope),
      generation,
      now,
    ),
  };
}

/** Stores come up in any order: the status is to read the same. */
function byEngineAndName(a: DatabaseStatus, b: DatabaseStatus): number {
  return `${a.engine}/${a.name}` < `${b.engine}/${b.name}` ? -1 : 1;
}

/** Ready when every stage is; otherwise the one blocking cause. */
export function readyFact({ facts, available }: Pick<Scope, 'facts' | 'available'>): Fact {
  const blocking = blockingFact(STAGES.flatMap((stage) => facts.get(stage) ?? []));
  return blocking ?? holds('Ready', `all ${available.size} services are available`);
}

/** Ready is not True for a generation that was not dealt with to the end. */
function unfinishedFact(scope: Scope): Fact {
  const fact = readyFact(scope);
  return fact.state === 'holds'
    ? waiting('Error', 'the last visit failed, and is repeated: see the log of the operator')
    : fact;
}

function withOverdue(fact: Fact, overdue: StageProgress | undefined, { facts, platform }: Scope): Fact {
  if (!overdue || fact.state !== 'waiting') return fact;
  const { stage } = overdue;
  const message = `${stage} has not got on for ${platform.progressDeadlineSeconds} s, and is tried on: ${facts.get(stage)?.message}`;
  return { ...fact, overdue: message };
}

/** The status for a spec that cannot be acted on: what runs is left as it is, and so is what is known of it. */
export function invalidStatus(
  { clock }: Pick<Deps, 'clock'>,
  object: Scope['object'],
  fact: Fact,
): OrderPlatformStatus {
  const generation = object.metadata.generation ?? 0;
  const now = clock.now();
  const known = withUnknown(removeCondition(object.status?.conditions, SUSPENDED), STAGES, generation, now);
  return {
    ...object.status,
    observedGeneration: generation,
    conditions: withReady(known, fact, generation, now),
  };
}

function componentsOf(scope: Scope): ComponentStatus[] {
  const { platform, desired, statefulSets, deployments, troubles } = scope;
  const stores = [...(desired?.stores ?? []), ...(desired?.broker ? [desired.broker] : [])].map(
    ({ component, statefulSet }) => ({
      name: component,
      kind: 'StatefulSet' as const,
      ready: statefulSets.get(component)?.status?.readyReplicas ?? 0,
      desired: statefulSet.spec?.replicas ?? 1,
      version: statefulSet.spec?.template.spec?.containers[0]?.image,
    }),
  );
  const services = platform.services.map((service) => {
    const { name, replicas } = service;
    if (service.schedule) return cronJobComponent(name, scope);
    const live = deployments.get(name);
    const image = live?.spec?.template.spec?.containers[0]?.image;
    return {
      name,
      kind: 'Deployment' as const,
      ready: live?.status?.readyReplicas ?? 0,
      desired: service.autoscaling ? (live?.spec?.replicas ?? replicas) : replicas,
      ...(image && { version: image }),
    };
  });
  return [...stores, ...services].map((component) => {
    const message = troubles.get(component.name);
    return { ...component, ...(message && { message }) };
  });
}

/** Nothing of it runs most of the time: it is fine unless its last run failed, or it could not be made. */
function cronJobComponent(name: string, { cronJobs, available }: Scope): ComponentStatus {
  const image = cronJobs.get(name)?.spec?.jobTemplate.spec?.template.spec?.containers[0]?.image;
  return { name, kind: 'CronJob', ready: available.has(name) ? 1 : 0, desired: 1, ...(image && { version: image }) };
}

function migrationsOf(deps: Pick<Deps, 'caches'>, { platform }: Scope): NonNullable<OrderPlatformStatus['migrations']> {
  return ofPlatform(deps.caches.migrations, platform)
    .toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name))
    .map(({ metadata: { name }, status }) => {
      const fault = migrationFault(deps, platform, name);
      return {
        name,
        ready: fault === undefined,
        ...(status?.currentVersion && { version: status.currentVersion }),
        ...(fault && { reason: fault.reason, message: fault.message }),
      };
    });
}

function withoutUndefined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}
