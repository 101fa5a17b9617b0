import { isDeleting, type PersistentVolumeClaim } from '../../../runtime/index.ts';
import { parseQuantity } from '../../../runtime/quantity.ts';
import type { Deps } from '../../deps.ts';
import { ensure, findOwned } from '../../ensure.ts';
import { Blocked, stalled, type Fact } from '../../fact.ts';
import type { Scope } from '../scope.ts';

/** Classes are not watched. */
const REFUSED_POLL_MS = 30_000;

/** Applies the claim of a volume, and tells why it cannot be as wanted: what mounts it works all the same. */
export async function reconcileVolume(
  deps: Deps,
  scope: Scope,
  claim: PersistentVolumeClaim,
): Promise<Fact | undefined> {
  const { claims } = deps.caches;
  const { name } = claim.metadata;
  const live = await findOwned(deps, claims, scope.platform, { namespace: scope.platform.namespace, name }, scope);
  try {
    await ensure(deps, claims, scope.platform, withPossibleSize(claim, live), scope);
    return undefined;
  } catch (error) {
    const size = sizeOf(live);
    if (!(error instanceof Blocked) || size === undefined) throw error;
    const remedy = `put its storage back to ${size}, or use a volume of another name`;
    return stalled('VolumeCannotGrow', `${error.message}. It stays at ${size}: ${remedy}`, REFUSED_POLL_MS);
  }
}

/** Only a claim that is bound can be resized, and none shrinks. */
function withPossibleSize(
  claim: PersistentVolumeClaim,
  live: PersistentVolumeClaim | undefined,
): PersistentVolumeClaim {
  if (!live || isDeleting(live)) return claim;
  const wanted = parseQuantity(sizeOf(claim) ?? '') ?? 0n;
  const asked = parseQuantity(sizeOf(live) ?? '') ?? 0n;
  if (wanted >= asked && live.status?.phase === 'Bound') return claim;
  return { ...claim, spec: { ...claim.spec, resources: live.spec?.resources } } as PersistentVolumeClaim;
}

function sizeOf(claim: PersistentVolumeClaim | undefined): string | undefined {
  return claim?.spec?.resources?.requests?.storage;
}
