import { allObjects } from '../../resources/desired.ts';
import { isDeleting, type Informer, type KubeObject } from '../../runtime/index.ts';
import type { Deps } from '../deps.ts';
import { all } from '../ensure.ts';
import type { Scope } from './scope.ts';

/** Deletes what the platform owns and no longer wants. Stores and broker cannot be dropped; credentials and volumes stay in any case. */
export async function pruneUnwanted(
  { client, caches }: Deps,
  { platform, desired, object, signal, log }: Scope,
): Promise<void> {
  if (!desired) return;
  const wanted = new Set(allObjects(desired).map(identityOf));
  const kinds = [
    caches.deployments,
    caches.cronJobs,
    caches.autoscalers,
    caches.disruptionBudgets,
    caches.services,
    caches.serviceAccounts,
    caches.migrations,
    caches.networkPolicies,
    caches.ingresses,
    ...(caches.serviceMonitors.isServed() ? [caches.serviceMonitors] : []),
  ] as Informer[];
  const unwanted = kinds.flatMap((informer) =>
    informer
      .byOwner(object.metadata.uid ?? '')
      .filter((found) => !wanted.has(identityOf(found)) && !isDeleting(found))
      .map((found) => ({ informer, found })),
  );
  await all(unwanted, async ({ informer, found }) => {
    const { name, uid } = found.metadata;
    log.info({ kind: informer.resource.kind, object: name }, 'no longer wanted: deleting');
    await client.delete(informer.resource, { namespace: platform.namespace, name }, { uid, signal });
  });
}

const identityOf = ({ kind, metadata }: KubeObject) => `${kind} ${metadata.name}`;
