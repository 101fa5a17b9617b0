import type { StoreObjects } from '../../resources/store.ts';
import {
  FORBIDDEN,
  isDeleting,
  isForbidden,
  isInvalid,
  PersistentVolumeClaims,
  StatefulSets,
  StorageClasses,
  unlessForbidden,
  type PersistentVolumeClaim,
  type StatefulSet,
  type StorageClass,
} from '../../runtime/index.ts';
import { isSameQuantity } from '../../runtime/quantity.ts';
import type { Deps } from '../deps.ts';
import { isOurs } from '../ensure.ts';
import { stalled, waiting, type Fact } from '../fact.ts';
import { labelledClaim } from './claim-labels.ts';
import type { Scope } from './scope.ts';
import { isLess, planVolume, templateSize, withTemplateSize } from './volume-plan.ts';

/** Classes are not watched. */
const CLASS_POLL_MS = 30_000;

export interface VolumeOutcome {
  /** What is to be applied: with the size that the live one has, where that cannot change now. Undefined while it is being replaced. */
  statefulSet: StatefulSet | undefined;
  /** Why the volume is not as wanted. The store works all the same. */
  fault?: Fact;
}

/**
 * Brings the volume of a store to the size that is wanted. The claim grows in place; the StatefulSet, whose claim template never changes, is
 * deleted without its pod and made again, so that nothing restarts.
 */
export async function reconcileStoreVolume(
  deps: Deps,
  scope: Scope,
  { component, statefulSet }: Pick<StoreObjects, 'component' | 'statefulSet'>,
): Promise<VolumeOutcome> {
  const { caches } = deps;
  const { namespace } = scope.platform;
  const live = caches.statefulSets.get({ namespace, name: statefulSet.metadata.name });
  const claim = await labelledClaim(deps, scope, { component, statefulSet });
  const wanted = templateSize(statefulSet) ?? '';
  const current = live && templateSize(live);
  const kept = current === undefined ? statefulSet : withTemplateSize(statefulSet, current);
  if (!claim || !isOurs(claim, scope.platform)) return { statefulSet: kept };
  const { asked, fault } = await growClaim(deps, scope, claim, wanted);
  scope.volumes.set(component, asked);
  if (current === undefined || isSameQuantity(current, wanted)) return { statefulSet, ...(fault && { fault }) };
  if (isLess(asked, wanted)) return { statefulSet: kept, ...(fault && { fault }) };
  await deleteWithoutPod(deps, scope, live as StatefulSet);
  return { statefulSet: undefined, fault: growing(component, `its StatefulSet is made again with ${wanted}`) };
}

/**
 * Has a claim ask for what is wanted, where that can be.
 * @param elsewhere how to come to a larger volume where it cannot
 * @returns what the claim asks for now, and why the volume has not that size
 */
export async function growClaim(
  deps: Deps,
  scope: Scope,
  claim: PersistentVolumeClaim,
  wanted: string,
  elsewhere?: string,
): Promise<{ asked: string; fault?: Fact }> {
  const { name } = claim.metadata;
  const asked = claim.spec?.resources?.requests?.storage ?? wanted;
  const storageClass = isLess(asked, wanted) ? await classOf(deps, scope, claim) : undefined;
  const plan = planVolume(wanted, claim, storageClass, elsewhere);
  switch (plan.step) {
    case 'settled':
      return { asked };
    case 'refuse':
      return { asked, fault: stalled('VolumeCannotGrow', plan.message, CLASS_POLL_MS) };
    case 'await': {
      const words = plan.message ? `: ${plan.message}` : '';
      const to = isLess(asked, wanted) ? wanted : asked;
      return { asked, fault: growing(`volume claim ${name}`, `from ${plan.from} to ${to}${words}`) };
    }
    case 'grow': {
      const refusal = await askFor(deps, scope, claim, wanted);
      if (!refusal) return { asked: wanted, fault: growing(`volume claim ${name}`, `from ${asked} to ${wanted}`) };
      const message = `volume claim ${name} stays at ${asked}, because the API server refuses to let it grow: ${refusal}`;
      return { asked, fault: stalled('VolumeCannotGrow', message, CLASS_POLL_MS) };
    }
  }
}

async function classOf(
  { client }: Deps,
  { signal }: Scope,
  { spec }: PersistentVolumeClaim,
): Promise<StorageClass | undefined> {
  const name = spec?.storageClassName;
  if (!name) return undefined;
  const found = await unlessForbidden(client.get(StorageClasses, { namespace: '', name }, { signal }));
  // Without the right to look it is tried: what the API server says of it is told.
  return found === FORBIDDEN ? { metadata: { name }, provisioner: '', allowVolumeExpansion: true } : found;
}

/** Has the claim ask for more; returns the API server's refusal in words. */
async function askFor(
  { client }: Deps,
  { signal }: Scope,
  { metadata: { name, namespace = '' } }: PersistentVolumeClaim,
  storage: string,
): Promise<string | undefined> {
  const patch = { spec: { resources: { requests: { storage } } } };
  try {
    await client.mergePatch(PersistentVolumeClaims, { namespace, name }, patch, { signal });
    return undefined;
  } catch (error) {
    if (isForbidden(error) || isInvalid(error)) return error.message;
    throw error;
  }
}

/** The pod goes on, without an owner for as long as it takes to make the StatefulSet again, which adopts it by its labels. */
async function deleteWithoutPod({ client }: Deps, { signal, log }: Scope, live: StatefulSet): Promise<void> {
  if (isDeleting(live)) return;
  const { name, namespace = '', uid } = live.metadata;
  log.info({ object: name }, 'the volume has grown: making the StatefulSet again around its pod');
  await client.delete(StatefulSets, { namespace, name }, { uid, propagation: 'Orphan', signal });
}

function growing(what: string, how: string): Fact {
  return waiting('VolumeGrowing', `${what} grows: ${how}`);
}
