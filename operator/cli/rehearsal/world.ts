/** A cluster that things can be tried on: what is there is read from a live one (or there is nothing), what is written stays here. */
import { isDeepStrictEqual } from 'node:util';
import type { Images } from '../../resources/images.ts';
import type { Client, ListOptions } from '../../runtime/client.ts';
import { isForbidden, isNotFound } from '../../runtime/errors.ts';
import { keyOf, keyToString, type KubeObject, type ObjectKey, type Resource } from '../../runtime/resource.ts';
import { matchesLabels } from './selector.ts';

/** An object that the operator would write: `step` counts what had to happen before. */
export interface Written {
  resource: Resource;
  key: ObjectKey;
  step: number;
}

export interface World {
  readonly live: Client | undefined;
  /** Whether there is no API server that could be asked. */
  readonly isOffline: boolean;
  readonly signal: AbortSignal;
  /** What the operator deploys of its own release. */
  readonly images: Images;
  /** Each object that was written, once, in the order of the first writes; statuses aside. */
  readonly written: Written[];
  /** Counts everything that happened. */
  changes: number;
  /** The step that the operator is at. */
  step: number;
  /** What could not be found out, in words. */
  readonly doubts: Set<string>;
  /** Reads the live objects of a resource, for `find`. */
  load(resource: Resource, scope: Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>): Promise<void>;
  find<T extends KubeObject>(resource: Resource<T>, labelSelector?: string): T[];
  /** As it is by now, live or here. */
  read<T extends KubeObject>(resource: Resource<T>, key: ObjectKey): Promise<T | undefined>;
  /** As it was at first. */
  before(resource: Resource, key: ObjectKey): Promise<KubeObject | undefined>;
  /** Stores an object, with what an API server adds. Not counted as written: the cluster or the user put it there. */
  put<T extends KubeObject>(resource: Resource<T>, object: T): T;
  /** Deletes it with what it owns, or without. */
  remove(resource: Resource, key: ObjectKey, options?: { orphan: boolean }): void;
  /** Counts an object as written by the operator; to be called before it is stored. */
  note(resource: Resource, key: ObjectKey): Promise<void>;
}

export interface WorldOptions {
  /** Without one there is nothing before. */
  live?: Client | undefined;
  isOffline: boolean;
  now: () => Date;
  signal: AbortSignal;
  images: Images;
}

/** Above what any live object has: a cache that compares versions takes ours for the newer. */
const FIRST_VERSION = 10n ** 17n;

export function createWorld({ live, isOffline, now, signal, images }: WorldOptions): World {
  /** By resource and key; undefined for what was deleted here. */
  const shelves = new Map<string, Map<string, KubeObject | undefined>>();
  const originals = new Map<string, KubeObject | undefined>();

  function shelfOf({ plural, group }: Resource): Map<string, KubeObject | undefined> {
    const id = `${plural}.${group}`;
    const shelf = shelves.get(id) ?? new Map<string, KubeObject | undefined>();
    shelves.set(id, shelf);
    return shelf;
  }

  /** What the garbage collector takes with an owner: it is not the operator that deletes it. */
  function collectGarbage(uid: string): void {
    for (const shelf of shelves.values()) {
      for (const [name, object] of shelf) {
        if (!object?.metadata.ownerReferences?.some((owner) => owner.uid === uid)) continue;
        shelf.set(name, undefined);
        if (object.metadata.uid) collectGarbage(object.metadata.uid);
      }
    }
  }

  const world: World = {
    live,
    isOffline,
    signal,
    images,
    written: [],
    changes: 0,
    step: 0,
    doubts: new Set(),
    async load(resource, { namespace, ...selectors }) {
      const shelf = shelfOf(resource);
      const scope = { ...(resource.namespaced && { namespace }), ...selectors, signal };
      for (const item of live ? await listed(live, resource, scope) : []) {
        const object = { ...item, apiVersion: resource.apiVersion, kind: resource.kind };
        const name = keyToString(keyOf(object));
        originals.set(identityOf(resource, keyOf(object)), object);
        if (!shelf.has(name)) shelf.set(name, object);
      }
    },
    find<T extends KubeObject>(resource: Resource<T>, labelSelector?: string) {
      const present = [...shelfOf(resource).values()].filter((object) => object !== undefined);
      return present.filter((object) => matchesLabels(object, labelSelector)) as T[];
    },
    async read<T extends KubeObject>(resource: Resource<T>, key: ObjectKey) {
      const shelf = shelfOf(resource);
      const name = keyToString(key);
      return shelf.has(name) ? (shelf.get(name) as T | undefined) : live?.get(resource, key, { signal });
    },
    async before(resource, key) {
      const id = identityOf(resource, key);
      if (!originals.has(id)) originals.set(id, await live?.get(resource, key, { signal }));
      return originals.get(id);
    },
    put(resource, object) {
      const shelf = shelfOf(resource);
      const name = keyToString(keyOf(object));
      const previous = shelf.get(name) ?? originals.get(identityOf(resource, keyOf(object)));
      world.changes++;
      const stored = asStored(resource, object, previous, world.changes, now());
      shelf.set(name, stored);
      return stored;
    },
    remove(resource, key, { orphan } = { orphan: false }) {
      const shelf = shelfOf(resource);
      const uid = shelf.get(keyToString(key))?.metadata.uid;
      world.changes++;
      shelf.set(keyToString(key), undefined);
      if (uid && !orphan) collectGarbage(uid);
    },
    async note(resource, key) {
      await world.before(resource, key);
      const id = identityOf(resource, key);
      if (world.written.some((each) => identityOf(each.resource, each.key) === id)) return;
      world.written.push({ resource, key, step: world.step });
    },
  };
  return world;
}

/** A kind that the cluster does not have has no objects. */
async function listed(live: Client, resource: Resource, scope: ListOptions): Promise<KubeObject[]> {
  try {
    return (await live.list(resource, scope)).items;
  } catch (error) {
    if (isNotFound(error)) return [];
    // Of what is in no namespace, an operator confined to some may see as little as this user.
    if (isForbidden(error) && !resource.namespaced) return [];
    throw error;
  }
}

function identityOf({ plural, group }: Resource, key: ObjectKey): string {
  return `${plural}.${group}/${keyToString(key)}`;
}

function asStored<T extends KubeObject>(
  { apiVersion, kind }: Resource<T>,
  object: T,
  previous: KubeObject | undefined,
  change: number,
  now: Date,
): T {
  const { uid = uidOf(change), generation = 0, creationTimestamp = now.toISOString() } = previous?.metadata ?? {};
  const isSameSpec = previous !== undefined && isDeepStrictEqual(contentOf(object), contentOf(previous));
  const metadata = {
    ...object.metadata,
    uid,
    creationTimestamp,
    generation: isSameSpec ? generation : generation + 1,
    resourceVersion: String(FIRST_VERSION + BigInt(change)),
  };
  return { ...object, apiVersion, kind, metadata };
}

/** Counted, so that what is rendered does not depend on chance. */
function uidOf(change: number): string {
  return `00000000-0000-4000-8000-${String(change).padStart(12, '0')}`;
}

/** What makes another generation when it changes. */
function contentOf(object: KubeObject): unknown {
  const { metadata: _, status: __, ...content } = object as KubeObject & { status?: unknown };
  return { ...content, apiVersion: undefined, kind: undefined };
}

/** The status of an object, to go into another; nothing where it has none. */
export function statusOf(object: KubeObject | undefined): object {
  const { status } = (object ?? {}) as { status?: unknown };
  return status === undefined ? {} : { status };
}
