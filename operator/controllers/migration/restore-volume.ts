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
import type { GiveUp } from '../runs/advance.ts';
import type { RunRecord } from '../runs/plan.ts';

const RETRY_MS = 30_000;
/** How long a Job waits for a volume that it can do without. */
export const VOLUME_WAIT_MS = 5 * 60_000;
/** How often a Job is looked at that may be waiting for it. */
export const VOLUME_POLL_MS = 30_000;
/** What became of a run that has waited so long: the next one for the same input goes without a restore point. */
export const VOLUME_PENDING = 'RestorePointVolumePending';

export interface RestoreVolumeOutcome {
  /** Undefined where no restore points are taken, and none is gone back to. */
  restoreVolume?: RestoreVolume;
  /** Why the volume that is there is not as wanted. It works all the same. */
  sizeFault?: string;
  /** Ends a Job that has waited long enough for a volume that it can do without. */
  giveUp?: GiveUp;
}

interface VolumeOptions {
  name: string;
  namespace: string;
  inputHash: string;
  last: Pick<RunRecord, 'inputHash' | 'outcome' | 'reason'> | undefined;
  signal: AbortSignal;
}

/**
 * Makes the volume for restore points when a run is about to need it, and keeps it as wanted from then on. Throws Blocked where it cannot be had, and
 * the policy, or a wish to go back, does not go without.
 * @param options.last the run that ended last, and `inputHash` of the one that is wanted
 */
export async function ensureRestoreVolume(
  deps: Deps,
  spec: MigrationSpec,
  target: MigrationTarget,
  { name, namespace, inputHash, last, signal }: VolumeOptions,
): Promise<RestoreVolumeOutcome> {
  const policy = restorePointPolicy(spec, target);
  if (policy === 'None' && !spec.restoreFrom) return {};
  const wanted = restorePointsClaim({ name, namespace }, target.platform, spec.restorePoints);
  const claim = wanted.metadata.name;
  const key = keyOf(wanted);
  const isSameInput = last?.inputHash === inputHash;
  const isDone = isSameInput && last.outcome === 'Succeeded';
  const cached = deps.caches.claims.get(key);
  if (isDone && !cached) return {};
  const live = cached ?? (await deps.client.get(deps.caches.claims.resource, key, { signal }));
  const fault = await applyClaim(deps, wanted, live, signal);
  const canDoWithout = policy !== 'Required' && !spec.restoreFrom && live?.status?.phase !== 'Bound';
  if (!fault && canDoWithout && isSameInput && last.reason === VOLUME_PENDING)
    return { restoreVolume: { fault: notBound(claim) } };
  if (!fault)
    return { restoreVolume: { claim }, ...(canDoWithout && { giveUp: volumeAwaited(claim, deps.clock.now()) }) };
  if (live && isSameOwner(live, wanted)) return { restoreVolume: { claim }, sizeFault: fault };
  if (policy === 'Required' || spec.restoreFrom) throw new Blocked(stalled('RestorePointFailed', fault, RETRY_MS));
  return { restoreVolume: { fault } };
}

/** A claim whose class waits for its first consumer is bound soon after the pod is there; another is not, until somebody does something. */
export const volumeAwaited =
  (claim: string, now: Date): GiveUp =>
  ({ spec }, { startedAt = '' }) => {
    const isMounted = spec?.template.spec?.volumes?.some((volume) => volume.persistentVolumeClaim?.claimName === claim);
    if (!isMounted || now.getTime() - Date.parse(startedAt) < VOLUME_WAIT_MS) return undefined;
    const message = `${notBound(claim)}. As policy.restorePoint is Optional, it goes on without a restore point`;
    return { reason: VOLUME_PENDING, message };
  };

const notBound = (claim: string): string =>
  `volume claim ${claim} is not bound after ${VOLUME_WAIT_MS / 60_000} minutes: kubectl describe it for why`;

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
