/** Whether what services wait for has happened. */
import { READY, STALLED, type Migration, type Requirement } from '../../api/v1alpha1/index.ts';
import type { Platform } from '../../resources/platform.ts';
import { controllerOf, findCondition, isDeleting, type Condition, type KubeObject } from '../../runtime/index.ts';
import { ofPlatform } from '../caches.ts';
import { onlyPlanned } from '../after.ts';
import type { Deps } from '../deps.ts';
import { gettingOn, stalled, waiting, type Fact } from '../fact.ts';
import { PROGRESSING } from '../ready.ts';
import { hasReached } from '../versions.ts';
import type { Scope } from './scope.ts';

export interface Fault {
  reason: string;
  message: string;
  isStalled: boolean;
}

type Caches = Pick<Deps, 'caches'>;

/** The Migrations of a platform; of those that the operator made for a release, the ones that are still wanted. */
export function wantedMigrations(
  { caches }: Caches,
  { platform, desired }: Pick<Scope, 'platform' | 'desired'>,
): Migration[] {
  const wanted = new Set(desired?.migrations.map(({ metadata }) => metadata.name));
  return ofPlatform(caches.migrations, platform).filter((migration) => {
    const isOfRelease = controllerOf(migration)?.uid === platform.uid;
    return !isDeleting(migration) && (!isOfRelease || !desired || wanted.has(migration.metadata.name));
  });
}

/** Why a Migration is not Ready for what it is now; a release's also has to be done with the image that is now wanted. */
export function migrationFault({ caches }: Caches, platform: Platform, name: string): Fault | undefined {
  const migration = caches.migrations.get({ namespace: platform.namespace, name });
  const fault = readyFault('Migration', name, migration);
  if (fault || !migration) return fault;
  const service =
    migration.spec.platformRef?.name === platform.name &&
    platform.services.find((each) => each.name === migration.spec.source.release);
  if (service && migration.status?.source !== service.image) {
    return {
      reason: 'Migrating',
      message: `Migration ${name} is still at the files of ${migration.status?.source}`,
      isStalled: false,
    };
  }
  return undefined;
}

/** Why a SeedJob has not run for what it is now. */
export function seedFault({ caches }: Caches, namespace: string, name: string): Fault | undefined {
  return readyFault('SeedJob', name, caches.seedJobs.get({ namespace, name }));
}

/** What faults of Migrations or SeedJobs amount to; undefined where there are none. */
export function factOfFaults(deps: Caches, platform: Platform, faults: readonly Fault[]): Fact | undefined {
  const fault = faults.find(({ isStalled }) => isStalled) ?? faults[0];
  const fact = fault && (fault.isStalled ? stalled : waiting)(fault.reason, fault.message);
  return fact && gettingOn(fact, someRunGetsOn(deps, platform));
}

/**
 * Whether a Job of one of the platform's Migrations or SeedJobs is at work, and says how far it is. Others wait for it, and so do services:
 * their time does not count.
 */
export function someRunGetsOn({ caches }: Caches, platform: Platform): boolean {
  const all = [...ofPlatform(caches.migrations, platform), ...ofPlatform(caches.seedJobs, platform)];
  return all.some((each) => !isDeleting(each) && findCondition(each.status?.conditions, READY)?.reason === PROGRESSING);
}

/** What keeps a requirement of a service from being met, in words. */
export function unmetRequirement(deps: Caches, platform: Platform, requirement: Requirement): string | undefined {
  const { migration, version, seed } = requirement;
  if (seed) return seedFault(deps, platform.namespace, seed)?.message;
  if (!migration) return undefined;
  const fault = migrationFault(deps, platform, migration);
  if (fault) return fault.message;
  const required = deps.caches.migrations.get({ namespace: platform.namespace, name: migration });
  const planned = required && onlyPlanned(required);
  if (planned) return planned;
  const current = required?.status?.currentVersion;
  if (version === undefined || hasReached(current, version)) return undefined;
  return `Migration ${migration} is at version ${current ?? 'none'}, and ${version} is required`;
}

type Conditioned = KubeObject & { status?: { conditions?: Condition[] } };

function readyFault(kind: string, name: string, object: Conditioned | undefined): Fault | undefined {
  if (!object) return { reason: `${kind}Missing`, message: `${kind} ${name} does not exist`, isStalled: false };
  const ready = findCondition(object.status?.conditions, READY);
  const isCurrent = ready?.observedGeneration === object.metadata.generation;
  if (isCurrent && ready?.status === 'True') return undefined;
  if (!ready || !isCurrent) return { reason: 'Pending', message: `${kind} ${name} is about to run`, isStalled: false };
  const isStalled = findCondition(object.status?.conditions, STALLED) !== undefined;
  return { reason: ready.reason, message: `${kind} ${name}: ${ready.message}`, isStalled };
}
