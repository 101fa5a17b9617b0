import type { CallOptions, Client } from './client.ts';
import { differences, hasForeignEntries, valueAt, type Difference } from './compare.ts';
import { isNotFound } from './errors.ts';
import { hashOf } from './hash.ts';
import { isOlderVersion, keyOf, keyToString, type KubeObject, type ObjectKey, type Resource } from './resource.ts';

/** Carries the hash of the desired object as last applied: what is no longer desired shows as another hash. */
export const APPLIED_HASH = 'orderplane.dev/applied-hash';

/**
 * Lists in which nobody else has a say, by `apiVersion/Kind`. Server-side apply keys Service ports by number and protocol,
 * so a port that a person renumbered stays as a second entry, which then makes every apply fail as a duplicate name.
 */
const EXCLUSIVE_LISTS: Record<string, readonly string[]> = { 'v1/Service': ['spec.ports'] };

export interface ApplyIfChangedOptions<T> extends CallOptions {
  fieldManager?: string;
  /** Dotted paths of lists whose other entries are removed. Default: `spec.ports` of Services. */
  exclusiveLists?: readonly string[];
  /** Decides instead of the field-by-field comparison whether `current` needs no repair. */
  isUpToDate?: (desired: T, current: T) => boolean;
  /** Where there is no `current`: fail with Conflict, and touch nothing, if the server has one all the same. */
  onlyNew?: boolean;
}

export interface Applied<T> {
  action: 'created' | 'updated' | 'unchanged';
  /** As stored; for `unchanged`, as cached. */
  object: T;
}

/**
 * Makes the fields of `desired` so, by server-side apply, taking them over from other managers. Makes no request when
 * `current` (from a cache, so possibly a little old) carries the hash of `desired` and says all that `desired` says.
 * What others set outside those fields stays.
 */
export async function applyIfChanged<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  desired: T,
  current: T | undefined,
  options: ApplyIfChangedOptions<T> = {},
): Promise<Applied<T>> {
  const { signal, fieldManager, isUpToDate, onlyNew = false } = options;
  const exclusive = options.exclusiveLists ?? EXCLUSIVE_LISTS[`${resource.apiVersion}/${resource.kind}`] ?? [];
  const memory = writesOf(client);
  const id = idOf(resource, keyOf(desired));
  const hash = hashOf(desired);

  const shortfall = (object: T): Difference[] => [
    ...(isUpToDate?.(desired, object) ? [] : differences(desired, object)),
    ...foreignLists(desired, object, exclusive),
  ];
  const isSettled = (object: T) =>
    object.metadata.annotations?.[APPLIED_HASH] === hash && memory.isAccepted(id, object, hash, shortfall(object));

  if (current && (memory.isNewerThan(id, current, hash) || isSettled(current)))
    return { action: 'unchanged', object: current };

  let object = current && (await removeForeignEntries(client, resource, desired, current, exclusive, options));
  if (!object || !isSettled(object)) {
    const annotations = { ...desired.metadata.annotations, [APPLIED_HASH]: hash };
    const body = { ...desired, metadata: { ...desired.metadata, annotations } };
    object = await client.apply(resource, body, { signal, fieldManager, onlyNew: !current && onlyNew });
  }
  memory.remember(id, object, hash, shortfall(object));
  return { action: current ? 'updated' : 'created', object };
}

/** Whether this process has written the object before: a cache that has none of it may just be behind. */
export function hasWritten(client: Client, resource: Resource, key: ObjectKey): boolean {
  return writesOf(client).has(idOf(resource, key));
}

/**
 * Writes `desired.status` through the status subresource, unless `current` has the same. The status must have one writer:
 * fields that are not in `desired` are a difference too.
 */
export async function applyStatusIfChanged<T extends KubeObject & { status?: unknown }>(
  client: Client,
  resource: Resource<T>,
  desired: T,
  current: T,
  options: CallOptions & { fieldManager?: string } = {},
): Promise<Applied<T>> {
  const memory = writesOf(client);
  const id = `${idOf(resource, keyOf(desired))}/status`;
  const hash = hashOf(desired.status);
  const shortfall = (object: T) => [
    ...differences(desired.status, object.status),
    ...differences(object.status, desired.status),
  ];
  if (memory.isNewerThan(id, current, hash) || memory.isAccepted(id, current, hash, shortfall(current))) {
    return { action: 'unchanged', object: current };
  }
  const object = await client.applyStatus(resource, desired, options);
  memory.remember(id, object, hash, shortfall(object));
  return { action: 'updated', object };
}

const idOf = ({ plural, group }: Resource, key: ObjectKey) => `${plural}.${group}/${keyToString(key)}`;

function foreignLists(desired: unknown, actual: unknown, paths: readonly string[]): Difference[] {
  return paths
    .filter((path) => hasForeignEntries(desired, actual, path))
    .map((path) => ({ path, desired: valueAt(desired, path), actual: valueAt(actual, path) }));
}

/** Replaces exclusive lists that others added to; undefined when there was nothing to do, or nothing there. */
async function removeForeignEntries<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  desired: T,
  current: T,
  exclusive: readonly string[],
  { signal, fieldManager }: ApplyIfChangedOptions<T>,
): Promise<T | undefined> {
  const lists = foreignLists(desired, current, exclusive);
  if (lists.length === 0) return undefined;
  const patch = {};
  for (const { path, desired: list } of lists) setAt(patch, path.split('.'), list ?? null);
  try {
    return await client.mergePatch(resource, keyOf(desired), patch, { signal, fieldManager });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function setAt(target: Record<string, unknown>, path: string[], value: unknown): void {
  const [name, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) target[name] = value;
  else setAt((target[name] ??= {}) as Record<string, unknown>, rest, value);
}

interface Write {
  uid: string | undefined;
  version: string | undefined;
  hash: string;
  /** What the server's own answer still lacked, as path and stored value. */
  accepted: Set<string>;
}

/**
 * What this process wrote last, for two things. A cache that lags behind our own write must not cause the same write again.
 * And what the server (or a webhook) made of a value in its answer to our write is as good as it gets: writing it again
 * would go on for ever.
 */
interface WriteMemory {
  has(id: string): boolean;
  isNewerThan(id: string, cached: KubeObject, hash: string): boolean;
  isAccepted(id: string, object: KubeObject, hash: string, shortfall: Difference[]): boolean;
  remember(id: string, stored: KubeObject, hash: string, shortfall: Difference[]): void;
}

const MAX_REMEMBERED = 20_000;
const memories = new WeakMap<Client, WriteMemory>();

function writesOf(client: Client): WriteMemory {
  let memory = memories.get(client);
  if (!memory) memories.set(client, (memory = createWriteMemory()));
  return memory;
}

function createWriteMemory(): WriteMemory {
  const writes = new Map<string, Write>();
  const describe = ({ path, actual }: Difference) => `${path}=${JSON.stringify(actual)}`;
  const lastWrite = (id: string, object: KubeObject, hash: string) => {
    const write = writes.get(id);
    return write?.uid === object.metadata.uid && write?.hash === hash ? write : undefined;
  };
  return {
    has: (id) => writes.has(id),
    isNewerThan(id, cached, hash) {
      return isOlderVersion(cached.metadata.resourceVersion, lastWrite(id, cached, hash)?.version);
    },
    isAccepted(id, object, hash, shortfall) {
      const accepted = lastWrite(id, object, hash)?.accepted;
      return shortfall.every((difference) => accepted?.has(describe(difference)));
    },
    remember(id, stored, hash, shortfall) {
      const { uid, resourceVersion: version } = stored.metadata;
      writes.delete(id);
      writes.set(id, { uid, version, hash, accepted: new Set(shortfall.map(describe)) });
      if (writes.size <= MAX_REMEMBERED) return;
      const [oldest] = writes.keys() as Iterable<string> as [string];
      writes.delete(oldest);
    },
  };
}
