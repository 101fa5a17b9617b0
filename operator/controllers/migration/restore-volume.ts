import type { MigrationSpec } from '../../api/v1alpha1/index.ts';
import { MANAGED_BY_LABEL, MANAGER, PLATFORM_LABEL } from '../../resources/labels.ts';
import type { MigrationTarget } from '../../resources/migration-job.ts';
import {
  MIGRATION_LABEL,
  restorePointPolicy,
  restorePointsClaim,
  type RestoreVolume,
} from '../../resources/restore-points.ts';
import {
  applyIfChanged,
  isDeleting,
  isForbidden,
  isInvalid,
  keyOf,
  type PersistentVolumeClaim,
} from '../../runtime/index.ts';
import { parseQuantity } from '../../runtime/quantity.ts';
import type { Deps } from '../deps.ts';
import { Blocked, stalled } from '../fact.ts';

const RETRY_MS = 30_000;

export interface RestoreVolumeOutcome {
  /** Undefined where no restore points are taken, and none is gone back to. */
  restoreVolume?: RestoreVolume;
  /** Why the volume that is there is not as wanted. It works all the same. */
  sizeFault?: string;
}

/**
 * Makes the volume for restore points when a run is about to need it, and keeps it as wanted from then on. Throws Blocked where it cannot be had, and
 * the policy, or a wish to go back, does not go without.
 * @param options.isDone whether no run is due
 */
export async function ensureRestoreVolume(
  deps: Deps,
  spec: MigrationSpec,
  target: MigrationTarget,
  { name, namespace, isDone, signal }: { name: string; namespace: string; isDone: boolean; signal: AbortSignal },
): Promise<RestoreVolumeOutcome> {
  const policy = restorePointPolicy(spec, target);
  if (policy === 'None' && !spec.restoreFrom) return {};
  const wanted = restorePointsClaim({ name, namespace }, target.platform, spec.restorePoints);
  const claim = wanted.metadata.name;
  const key = keyOf(wanted);
  const cached = deps.caches.claims.get(key);
  if (isDone && !cached) return {};
  const live = cached ?? (await deps.client.get(deps.caches.claims.resource, key, { signal }));
  const fault = await applyClaim(deps, wanted, live, signal);
  if (!fault) return { restoreVolume: { claim } };
  if (live && isSameOwner(live, wanted)) return { restoreVolume: { claim }, sizeFault: fault };
  if (policy === 'Required' || spec.restoreFrom) throw new Blocked(stalled('RestorePointFailed', fault, RETRY_MS));
  return { restoreVolume: { fault } };
}

/** @returns in words, why the claim cannot be as wanted */
async function applyClaim(
  { client, caches }: Deps,
  wanted: PersistentVolumeClaim,
  live: PersistentVolumeClaim | undefined,
  signal: AbortSignal,
): Promise<string | undefined> {
  const what = `volume claim ${wanted.metadata.name}`;
  if (live && !isSameOwner(live, wanted)) return `${what} exists and is not for restore points: delete or rename it`;
  if (live && isDeleting(live)) return `${what} is being deleted: it is made again when it is gone`;
  try {
    await applyIfChanged(client, caches.claims.resource, withPossibleSize(wanted, live), live, { signal });
    return undefined;
  } catch (error) {
    if (!isInvalid(error) && !isForbidden(error)) throw error;
    return `${what} was refused by the API server: ${error.message}`;
  }
}

/** Only a claim that is bound can be resized, and none shrinks. */
function withPossibleSize(
  claim: PersistentVolumeClaim,
  live: PersistentVolumeClaim | undefined,
): PersistentVolumeClaim {
  if (!live) return claim;
  const sizeOf = ({ spec }: PersistentVolumeClaim) => parseQuantity(spec?.resources?.requests?.storage ?? '') ?? 0n;
  if (sizeOf(claim) >= sizeOf(live) && live.status?.phase === 'Bound') return claim;
  return { ...claim, spec: { ...claim.spec, resources: live.spec?.resources } } as PersistentVolumeClaim;
}

/** Of the same platform, or of the same Migration where there is no platform. */
function isSameOwner(live: PersistentVolumeClaim, { metadata }: PersistentVolumeClaim): boolean {
  const { labels = {} } = live.metadata;
  const owner = (each: string) => labels[each] === metadata.labels?.[each];
  return labels[MANAGED_BY_LABEL] === MANAGER && owner(PLATFORM_LABEL) && owner(MIGRATION_LABEL);
}
