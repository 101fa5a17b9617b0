import { isDeleting, type PersistentVolumeClaim } from '../../../runtime/index.ts';
import type { Deps } from '../../deps.ts';
import { ensure, findOwned } from '../../ensure.ts';
import type { Fact } from '../../fact.ts';
import type { Scope } from '../scope.ts';
import { growClaim } from '../volumes.ts';

/** Applies the claim of a volume, and tells why it has not the size that is wanted: what mounts it works all the same. */
export async function reconcileVolume(
  deps: Deps,
  scope: Scope,
  claim: PersistentVolumeClaim,
): Promise<Fact | undefined> {
  const { claims } = deps.caches;
  const { name } = claim.metadata;
  const live = await findOwned(deps, claims, scope.platform, { namespace: scope.platform.namespace, name }, scope);
  if (!live || isDeleting(live)) {
    await ensure(deps, claims, scope.platform, claim, scope);
    return undefined;
  }
  const { resources } = live.spec ?? {};
  await ensure(deps, claims, scope.platform, { ...claim, spec: { ...claim.spec, resources } }, scope);
  const wanted = claim.spec?.resources?.requests?.storage;
  // Only a claim that is bound can be resized: one that nobody has mounted yet holds up nothing.
  if (wanted === undefined || live.status?.phase !== 'Bound') return undefined;
  return (await growClaim(deps, scope, live, wanted, 'use a volume of another name')).fault;
}
