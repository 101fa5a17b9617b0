/** The stores that Migrations and SeedJobs work on. They wait for their store and database, never for the platform's Ready. */
import { orderPlatformSpec, type Engine } from '../api/v1alpha1/index.ts';
import { adminSecretOf } from '../resources/external.ts';
import type { Platform } from '../resources/platform.ts';
import { releaseOf } from '../resources/release.ts';
import { resolvePlatform } from '../resources/resolve.ts';
import { hashOf, isDeleting } from '../runtime/index.ts';
import { offered, type Deps } from './deps.ts';
import { stalled, waiting, type Fact } from './fact.ts';

export type PlatformDatabase = { platform: Platform; adminSecret: string; identity: string; isSuspended: boolean };

/** A database of a platform, once it is there; or why it is not. */
export function platformDatabase(
  deps: Pick<Deps, 'caches' | 'images' | 'releases' | 'renderer'>,
  at: { namespace: string; platform: string; engine: Engine; database: string },
): { found: PlatformDatabase; fault?: never } | { found?: never; fault: Fact } {
  const { namespace, platform: name, engine, database } = at;
  const object = deps.caches.platforms.get({ namespace, name });
  if (!object || isDeleting(object))
    return { fault: waiting('PlatformMissing', `OrderPlatform ${name} does not exist in namespace ${namespace}`) };
  const parsed = orderPlatformSpec.safeParse(object.spec);
  const identity = { name, namespace, uid: object.metadata.uid ?? '' };
  const release = releaseOf(object, offered(deps));
  const platform = parsed.success
    ? resolvePlatform(identity, parsed.data, release.images, release).platform
    : undefined;
  if (!platform)
    return { fault: waiting('PlatformInvalid', `OrderPlatform ${name} cannot be acted on: see its status`) };
  if (!platform.stores[engine]) {
    return {
      fault: stalled(
        'StoreMissing',
        `OrderPlatform ${name} has no ${engine}: set spec.stores.${engine} there, or choose another engine`,
      ),
    };
  }
  const known = object.status?.databases?.find((each) => each.engine === engine && each.name === database);
  if (!known)
    return {
      fault: waiting(
        'WaitingForDatabase',
        `database ${database} in ${engine} of OrderPlatform ${name} does not exist yet`,
      ),
    };
  const isSuspended = object.spec.suspend ?? false;
  return { found: { platform, adminSecret: adminSecretOf(platform, engine), identity: known.store, isSuspended } };
}

/** A server is the same whoever logs in to it. */
export function serverIdentity(uri: string): string {
  return hashOf(uri.replace(/^([^:]+:\/\/)(?:[^@/]*@)?([^/?]+).*$/, '$1$2'));
}

/** A platform that is suspended starts no runs of what works on it; what runs already comes to its end. */
export function suspended(platform: string): Fact {
  return waiting(
    'PlatformSuspended',
    `OrderPlatform ${platform} is suspended: no run starts until its spec.suspend is false`,
  );
}
