import { migrationSpec, type Migration, type MigrationSpec } from '../../api/v1alpha1/index.ts';
import { secretValue } from '../../resources/credentials.ts';
import { isManaged, isProvisioned } from '../../resources/external.ts';
import type { MigrationTarget } from '../../resources/migration-job.ts';
import { defaultRestorePoint } from '../../resources/restore-points.ts';
import type { Platform } from '../../resources/platform.ts';
import { releaseMigration } from '../../resources/release-migrations.ts';
import { controllerOf, Secrets } from '../../runtime/index.ts';
import type { Deps } from '../deps.ts';
import { FAULT_POLL_MS, waiting, type Fact } from '../fact.ts';
import { platformDatabase, serverIdentity } from '../target.ts';

type Resolved =
  | { target: MigrationTarget; platform: Platform | undefined; isSuspended: boolean; fault?: never }
  | { target?: never; platform?: never; isSuspended?: never; fault: Fact };

/** The database that a Migration works on, or why it cannot be reached yet. */
export async function migrationTarget(
  deps: Pick<Deps, 'client' | 'caches' | 'images' | 'releases' | 'renderer'>,
  spec: MigrationSpec,
  at: { namespace: string; signal: AbortSignal },
): Promise<Resolved> {
  const { platformRef, target, engine, database } = spec;
  if (platformRef) {
    const { found, fault } = platformDatabase(deps, {
      namespace: at.namespace,
      platform: platformRef.name,
      engine,
      database,
    });
    if (!found) return { fault };
    const { platform, adminSecret, identity, isSuspended } = found;
    const kind = {
      isManaged: isManaged(platform, engine),
      isProvisioned: isProvisioned(platform, engine),
      restorePoint: defaultRestorePoint(platform, engine),
    };
    return { platform, isSuspended, target: { adminSecret, identity, platform: platform.name, ...kind } };
  }
  const name = target?.secretRef.name ?? '';
  const secret = await deps.client.get(Secrets, { namespace: at.namespace, name }, { signal: at.signal });
  const uri = secretValue(secret, 'uri');
  if (!uri) {
    const fault = secret
      ? `Secret ${name} has no key uri`
      : `Secret ${name} does not exist: create it, with the key uri`;
    return { fault: waiting('SecretMissing', fault, FAULT_POLL_MS) };
  }
  const own = { platform: undefined, isManaged: false, isProvisioned: false, restorePoint: 'None' as const };
  return {
    platform: undefined,
    isSuspended: false,
    target: { adminSecret: name, identity: serverIdentity(uri), ...own },
  };
}

/**
 * The spec as its platform has it by now: a Migration of the release takes its files from the image that the platform names, and what
 * goes for them has to come from the same version of the platform. The Migration's own spec follows a moment later.
 */
export function asPlatformSays(object: Migration, spec: MigrationSpec, platform: Platform | undefined): MigrationSpec {
  if (!platform || controllerOf(object)?.kind !== 'OrderPlatform') return spec;
  const service = platform.services.find(({ name }) => name === spec.source.release);
  const wanted = service && releaseMigration(platform, service);
  if (!wanted) return spec;
  const { policy: _, restorePoints: __, ...others } = spec;
  const { policy, restorePoints } = migrationSpec.parse(wanted.spec);
  return { ...others, ...(policy && { policy }), ...(restorePoints && { restorePoints }) };
}
