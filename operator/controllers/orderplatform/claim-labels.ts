import { claimName } from '../../resources/names.ts';
import type { StoreObjects } from '../../resources/store.ts';
import { differences, PersistentVolumeClaims, type PersistentVolumeClaim } from '../../runtime/index.ts';
import { podsOfComponent } from '../caches.ts';
import type { Deps } from '../deps.ts';
import { isOurs } from '../ensure.ts';
import type { Scope } from './scope.ts';

/**
 * The volume claim of a store, as the cache has it. Its labels and annotations are put right first: its StatefulSet made it and looks at it no
 * more, and by them it is found, kept by GitOps tools, and taken up by the next platform.
 */
export async function labelledClaim(
  { client, caches }: Deps,
  { platform, signal }: Scope,
  { component, statefulSet }: Pick<StoreObjects, 'component' | 'statefulSet'>,
): Promise<PersistentVolumeClaim | undefined> {
  const { namespace, name } = platform;
  const key = { namespace, name: claimName(name, component) };
  const cached = caches.claims.get(key);
  const live = caches.statefulSets.get({ namespace, name: statefulSet.metadata.name });
  // Whose a claim of that name is, is looked at before the StatefulSet is made: from then on it is this store's.
  if (!live || !isOurs(live, platform)) return cached;
  // A claim that lost the label which the cache selects by is not in it; there is none before there is a pod.
  const isMissed = !cached && podsOfComponent(caches, platform, component).length > 0;
  const claim = isMissed ? await client.get(PersistentVolumeClaims, key, { signal }) : cached;
  const { labels, annotations } = statefulSet.spec?.volumeClaimTemplates?.[0]?.metadata ?? {};
  if (!claim || differences({ labels, annotations }, claim.metadata).length === 0) return claim;
  const { uid } = claim.metadata;
  return client.mergePatch(PersistentVolumeClaims, key, { metadata: { uid, labels, annotations } }, { signal });
}
