import { externalOf } from '../../../resources/external.ts';
import { PersistentVolumeClaims, type StatefulSet } from '../../../runtime/index.ts';
import { claimName, STORES, type StoreName } from '../../../resources/names.ts';
import type { StoreObjects } from '../../../resources/store.ts';
import { serverIdentity } from '../../target.ts';
import { podsOfComponent } from '../../caches.ts';
import { findCause } from '../../cause.ts';
import type { Deps } from '../../deps.ts';
import { all, ensure, isOurs } from '../../ensure.ts';
import { Blocked, blockingFact, holds, pending, stalled, waiting, type Fact } from '../../fact.ts';
import { connectExternal } from '../external.ts';
import { recordTemplate } from '../pinning/record.ts';
import { isObserved } from '../../observed.ts';
import { servingGap } from '../../serving.ts';
import type { Scope } from '../scope.ts';
import { reconcileStoreVolume } from '../volumes.ts';

/** Applies the managed stores, and finds which stores take connections. */
export async function reconcileStores(deps: Deps, scope: Scope): Promise<Fact> {
  const { platform, desired } = scope;
  if (!desired) return pending('waits for credentials');
  const faults: Fact[] = [];
  const external = STORES.filter((store) => externalOf(platform, store));
  await all(external, async (store) => {
    const server = scope.external.get(store)?.server;
    if (server) scope.identities.set(store, serverIdentity(server.uri));
    const { isUp, fault } = await connectExternal(deps, scope, store);
    if (fault) faults.push(fault);
    if (isUp) scope.readyStores.add(store);
  });
  await all(desired.stores, async (objects) => {
    const store = objects.component as StoreName;
    const { isUp, fault } = await reconcileStore(deps, scope, objects);
    const claim = deps.caches.claims.get({ namespace: platform.namespace, name: claimName(platform.name, store) });
    if (claim?.metadata.uid) scope.identities.set(store, claim.metadata.uid);
    if (fault) faults.push(fault);
    if (isUp && claim) scope.readyStores.add(store);
  });
  const blocking = blockingFact(faults);
  if (blocking) return blocking;
  const names = Object.keys(platform.stores);
  return names.length > 0
    ? holds('Ready', `${names.join(' and ')} answer`)
    : holds('NotRequested', 'the platform has no stores');
}

/** Applies a managed store or broker. What is at fault with its volume does not keep it from being used. */
export async function reconcileStore(
  deps: Deps,
  scope: Scope,
  { component, config, service, statefulSet }: StoreObjects,
): Promise<{ isUp: boolean; fault?: Fact }> {
  const { caches } = deps;
  const { platform } = scope;
  if (config) await ensure(deps, caches.secrets, platform, config, scope);
  await ensure(deps, caches.services, platform, service, scope);
  if (!hasPassword(scope, statefulSet))
    return { isUp: false, fault: waiting('WaitingForCredentials', `${component} waits for its credentials`) };
  if (!caches.statefulSets.get({ namespace: platform.namespace, name: statefulSet.metadata.name }))
    await refuseForeignClaim(deps, scope, component);
  await recordTemplate(deps, scope, component, statefulSet.spec?.template);
  const volume = await reconcileStoreVolume(deps, scope, { component, statefulSet });
  const key = { namespace: platform.namespace, name: statefulSet.metadata.name };
  const live = volume.statefulSet
    ? await ensure(deps, caches.statefulSets, platform, volume.statefulSet, scope)
    : caches.statefulSets.get(key);
  if (live) scope.statefulSets.set(component, live);
  const pods = podsOfComponent(caches, platform, component);
  const isRunning = live && (isReady(live) || (!volume.statefulSet && (live.status?.readyReplicas ?? 0) > 0));
  const gap = isRunning ? await servingGap(deps, pods, live.spec?.replicas ?? 1, scope) : {};
  if (!gap) return { isUp: true, ...(volume.fault && { fault: volume.fault }) };
  const { words: trouble, lookAgainMs } = gap.words || !live ? gap : await findCause(deps, live, pods, scope);
  if (trouble) scope.troubles.set(component, trouble);
  const words = trouble ?? `pod ${statefulSet.metadata.name}-0 is starting`;
  return { isUp: false, fault: waiting('StoreNotReady', `${component} is not ready: ${words}`, lookAgainMs) };
}

function hasPassword({ secrets }: Scope, { spec }: StatefulSet): boolean {
  const admin = spec?.template.spec?.volumes?.find(({ name }) => name === 'admin')?.secret?.secretName;
  return admin === undefined || admin in secrets;
}

/** A pod of the current template is ready. */
export function isReady(workload: StatefulSet): boolean {
  const { spec, status } = workload;
  if (!status || !isObserved(workload)) return false;
  const wanted = spec?.replicas ?? 1;
  return (status.readyReplicas ?? 0) >= wanted && (status.updatedReplicas ?? 0) >= wanted;
}

/** The StatefulSet controller would take any claim of that name, whoever's data it holds. */
async function refuseForeignClaim({ client }: Deps, { platform, signal }: Scope, component: string): Promise<void> {
  const name = claimName(platform.name, component);
  const claim = await client.get(PersistentVolumeClaims, { namespace: platform.namespace, name }, { signal });
  if (!claim || isOurs(claim, platform)) return;
  throw new Blocked(
    stalled(
      'NameConflict',
      `volume claim ${name} exists and is not of this platform: delete it, or rename the platform`,
      30_000,
    ),
  );
}
