import type { Client } from './client.ts';
import { realClock, type Clock } from './clock.ts';
import { keepManagers } from './field-managers.ts';
import { silentLogger, type Log } from './log.ts';
import { createReflector, type Reflector, type ReflectorSink, type ReflectorTuning } from './reflector.ts';
import { keyOf, keyToString, type KubeObject, type ObjectKey, type Resource } from './resource.ts';

/**
 * A change of the cache. `initial`: found by the first list. `resync`: nothing changed, but a relist saw the object again.
 * A delete carries the last state known.
 */
export type InformerEvent<T> =
  | { type: 'add'; object: T; initial: boolean }
  | { type: 'update'; object: T; previous: T; resync: boolean }
  | { type: 'delete'; object: T };

/** A cache of one resource, kept current by watches. Objects are deeply frozen, and without managedFields that were not asked for. */
export interface Informer<T extends KubeObject = KubeObject> {
  readonly resource: Resource<T>;
  get(key: ObjectKey): T | undefined;
  list(options?: { namespace?: string }): T[];
  /** Objects for which the index function gave `value`; throws when there is no such index. */
  byIndex(name: string, value: string): T[];
  /** Objects with an owner reference to this uid. */
  byOwner(uid: string): T[];
  /** Names a function that files each object under any number of values; where it throws, under none. */
  addIndex(name: string, values: (object: T) => string[]): void;
  /** Calls `handler` for every change from now on, after one `add` for each object that is there already. */
  addHandler(handler: (event: InformerEvent<T>) => void): void;
  /** Whether everything has been listed once. */
  hasSynced(): boolean;
  /** Whether it has been listed never, and the server refuses that. Only with `mayBeRefused`, and then it counts as synced. */
  isRefused(): boolean;
  /** Resolves when everything has been listed once; rejects when the signal aborts first. */
  synced(signal?: AbortSignal): Promise<void>;
  /** Starts to list and watch; resolves when the signal has ended it. */
  start(signal: AbortSignal): Promise<void>;
  /** Lists everything anew: every object is reported again, unchanged ones as `resync`. */
  forceRelist(): void;
}

export interface InformerOptions {
  client: Client;
  /** One watch for each; undefined: one for all namespaces. */
  namespaces?: readonly string[];
  labelSelector?: string;
  fieldSelector?: string;
  /** Dotted paths of fields whose managers are kept, for `managersOf`. */
  managersOf?: readonly string[];
  /** Nobody is to wait for it where the user has no right to list it. */
  mayBeRefused?: boolean;
  clock?: Clock;
  log?: Log;
  tuning?: Partial<ReflectorTuning>;
}

const BY_NAMESPACE = '\0namespace';
const BY_OWNER = '\0owner';

export function createInformer<T extends KubeObject>(resource: Resource<T>, options: InformerOptions): Informer<T> {
  const {
    client,
    labelSelector,
    fieldSelector,
    managersOf = [],
    mayBeRefused = false,
    clock = realClock,
    log = silentLogger,
    tuning,
  } = options;
  const namespaces = (resource.namespaced && options.namespaces) || [undefined];
  const objects = new Map<string, T>();
  const indexes = new Map<string, Index<T>>([
    [BY_NAMESPACE, createIndex((object) => [object.metadata.namespace ?? ''])],
    [BY_OWNER, createIndex((object) => object.metadata.ownerReferences?.map(({ uid }) => uid) ?? [])],
  ]);
  const handlers: ((event: InformerEvent<T>) => void)[] = [];
  const unsynced = new Set<string | undefined>(namespaces);
  const refused = new Set<string | undefined>();
  const { promise: syncedOnce, resolve: markSynced } = Promise.withResolvers<void>();
  const reflectors: Reflector[] = [];

  function emit(event: InformerEvent<T>): void {
    for (const handler of handlers) {
      try {
        handler(event);
      } catch (error) {
        log.error(
          { err: error, resource: resource.plural, key: keyToString(keyOf(event.object)) },
          'an event handler threw',
        );
      }
    }
  }

  function store(incoming: T, initial: boolean): void {
    const object = prepare(resource, incoming, managersOf);
    const key = keyToString(keyOf(object));
    const previous = objects.get(key);
    if (previous && previous.metadata.uid !== object.metadata.uid) drop(key, previous);
    objects.set(key, object);
    for (const index of indexes.values()) index.put(key, object);
    if (previous?.metadata.uid === object.metadata.uid) {
      const resync = previous!.metadata.resourceVersion === object.metadata.resourceVersion;
      emit({ type: 'update', object, previous: previous!, resync });
    } else {
      emit({ type: 'add', object, initial });
    }
  }

  function drop(key: string, last: T): void {
    if (!objects.delete(key)) return;
    for (const index of indexes.values()) index.remove(key);
    emit({ type: 'delete', object: last });
  }

  function settle(namespace: string | undefined): void {
    unsynced.delete(namespace);
    if (unsynced.size === 0) markSynced();
  }

  function sinkFor(namespace: string | undefined): ReflectorSink<T> {
    return {
      replace(listed) {
        const gone = new Set<string>(
          namespace === undefined ? objects.keys() : indexes.get(BY_NAMESPACE)!.keys(namespace),
        );
        for (const object of listed) gone.delete(keyToString(keyOf(object)));
        for (const key of gone) drop(key, objects.get(key)!);
        const initial = unsynced.has(namespace);
        for (const object of listed) store(object, initial);
        refused.delete(namespace);
        settle(namespace);
      },
      refuse() {
        if (!mayBeRefused || !unsynced.has(namespace)) return;
        log.warn({ resource: resource.plural }, 'no right to list it: going on without');
        refused.add(namespace);
        settle(namespace);
      },
      upsert: (object) => store(object, false),
      remove: (object) => drop(keyToString(keyOf(object)), prepare(resource, object, managersOf)),
    };
  }

  const found = (keys: Iterable<string>) => Array.from(keys, (key) => objects.get(key)!);

  return {
    resource,
    get: (key) => objects.get(keyToString(key)),
    list: ({ namespace } = {}) =>
      namespace === undefined ? [...objects.values()] : found(indexes.get(BY_NAMESPACE)!.keys(namespace)),
    byIndex(name, value) {
      const index = indexes.get(name);
      if (!index) throw new Error(`${resource.plural} have no index "${name}"`);
      return found(index.keys(value));
    },
    byOwner: (uid) => found(indexes.get(BY_OWNER)!.keys(uid)),
    addIndex(name, values) {
      const index = createIndex((object: T) => {
        try {
          return values(object);
        } catch (error) {
          log.error({ err: error, index: name, key: keyToString(keyOf(object)) }, 'an index function threw');
          return [];
        }
      });
      for (const [key, object] of objects) index.put(key, object);
      indexes.set(name, index);
    },
    addHandler(handler) {
      handlers.push(handler);
      for (const object of objects.values()) handler({ type: 'add', object, initial: true });
    },
    hasSynced: () => unsynced.size === 0,
    isRefused: () => refused.size > 0,
    async synced(signal) {
      if (!signal) return syncedOnce;
      signal.throwIfAborted();
      const { promise: aborted, reject } = Promise.withResolvers<never>();
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort);
      await Promise.race([syncedOnce, aborted]).finally(() => signal.removeEventListener('abort', onAbort));
    },
    async start(signal) {
      for (const namespace of namespaces) {
        const scope = { namespace, labelSelector, fieldSelector };
        reflectors.push(createReflector({ client, resource, sink: sinkFor(namespace), clock, log, tuning, ...scope }));
      }
      await Promise.all(reflectors.map((reflector) => reflector.run(signal)));
    },
    forceRelist: () => reflectors.forEach((reflector) => reflector.forceRelist()),
  };
}

interface Index<T> {
  put(key: string, object: T): void;
  remove(key: string): void;
  keys(value: string): Iterable<string>;
}

function createIndex<T>(valuesOf: (object: T) => string[]): Index<T> {
  const keysByValue = new Map<string, Set<string>>();
  const valuesByKey = new Map<string, string[]>();
  function remove(key: string): void {
    for (const value of valuesByKey.get(key) ?? []) {
      const keys = keysByValue.get(value);
      keys?.delete(key);
      if (keys?.size === 0) keysByValue.delete(value);
    }
    valuesByKey.delete(key);
  }
  return {
    remove,
    put(key, object) {
      remove(key);
      const values = valuesOf(object);
      if (values.length === 0) return;
      valuesByKey.set(key, values);
      for (const value of values) {
        const keys = keysByValue.get(value);
        if (keys) keys.add(key);
        else keysByValue.set(value, new Set([key]));
      }
    },
    keys: (value) => keysByValue.get(value) ?? [],
  };
}

/** Items of a list come without kind; managedFields are most of an object's size, and few of them are of interest. */
function prepare<T extends KubeObject>(resource: Resource<T>, object: T, managers: readonly string[]): T {
  object.apiVersion = resource.apiVersion;
  object.kind = resource.kind;
  const { metadata } = object;
  if (managers.length > 0) metadata.managedFields = keepManagers(metadata.managedFields ?? [], managers);
  else delete metadata.managedFields;
  return deepFreeze(object);
}

function deepFreeze<T extends object>(value: T): T {
  for (const child of Object.values(value)) {
    if (typeof child === 'object' && child !== null) deepFreeze(child);
  }
  return Object.freeze(value);
}
