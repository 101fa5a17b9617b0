import type { Informer } from '../../runtime/informer.ts';
import { keyOf, keyToString, type KubeObject, type ObjectKey, type Resource } from '../../runtime/resource.ts';
import type { World } from './world.ts';

/** A cache that is always current: it looks into the world itself. */
export function worldInformer<T extends KubeObject>(
  world: World,
  resource: Resource<T>,
  labelSelector: string | undefined,
): Informer<T> {
  const indexes = new Map<string, (object: T) => string[]>();
  const all = () => world.find(resource, labelSelector);
  return {
    resource,
    get: (key: ObjectKey) => all().find((object) => keyToString(keyOf(object)) === keyToString(key)),
    list: ({ namespace } = {}) =>
      all().filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
    byIndex(name, value) {
      const values = indexes.get(name);
      if (!values) throw new Error(`${resource.plural} have no index "${name}"`);
      return all().filter((object) => values(object).includes(value));
    },
    byOwner: (uid) => all().filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.uid === uid)),
    addIndex: (name, values) => void indexes.set(name, values),
    addHandler: () => {},
    hasSynced: () => true,
    isRefused: () => false,
    synced: () => Promise.resolve(),
    start: () => Promise.resolve(),
    forceRelist: () => {},
  };
}
