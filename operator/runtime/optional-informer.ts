import { isConditionTrue } from './conditions.ts';
import { createInformer, type Informer, type InformerOptions } from './informer.ts';
import type { CustomResourceDefinition } from './known-resources.ts';
import type { KubeObject, Resource } from './resource.ts';

/** An informer of a kind that the cluster may not have. */
export interface OptionalInformer<T extends KubeObject = KubeObject> extends Informer<T> {
  /** Whether the API server has the kind now; undefined where that cannot be seen. While it has not, the cache says nothing. */
  isServed(): boolean | undefined;
}

/**
 * An informer that lists and watches for as long as the CustomResourceDefinition of its resource is established, however often that comes and
 * goes. While it is not, there is nothing to wait for: it counts as synced.
 * @param definitions a cache with that CustomResourceDefinition, which is started by somebody else
 */
export function createOptionalInformer<T extends KubeObject>(
  resource: Resource<T>,
  definitions: Informer<CustomResourceDefinition>,
  options: InformerOptions,
): OptionalInformer<T> {
  const informer = createInformer(resource, options);
  const definition = { namespace: '', name: `${resource.plural}.${resource.group}` };
  let change = Promise.withResolvers<void>();
  definitions.addHandler(({ object }) => {
    if (object.metadata.name !== definition.name) return;
    change.resolve();
    change = Promise.withResolvers();
  });

  function isServed(): boolean | undefined {
    if (definitions.isRefused()) return undefined;
    const found = definitions.get(definition);
    const served = found?.spec.versions.some(({ name, served: is }) => is && name === resource.version);
    return (
      served === true && !found?.metadata.deletionTimestamp && isConditionTrue(found?.status?.conditions, 'Established')
    );
  }

  /** Resolves when `isServed` answers `wanted`, or the signal aborts. */
  async function becomes(wanted: boolean, signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    while (!signal.aborted && (isServed() === true) !== wanted) await Promise.race([change.promise, aborted]);
  }

  return {
    ...informer,
    isServed,
    hasSynced: () => definitions.hasSynced() && (!isServed() || informer.hasSynced()),
    async synced(signal) {
      await definitions.synced(signal);
      if (isServed()) await informer.synced(signal);
    },
    async start(signal) {
      while (!signal.aborted) {
        await becomes(true, signal);
        if (signal.aborted) return;
        const gone = new AbortController();
        const watching = informer.start(AbortSignal.any([signal, gone.signal]));
        await becomes(false, signal);
        gone.abort();
        await watching;
      }
    },
  };
}
