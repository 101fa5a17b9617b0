/**
 * The client that the operator's controllers get in a rehearsal. Where there is a live cluster, each write is first sent to it as a dry run:
 * what is stored is what that API server would store, and what it would refuse is refused.
 */
import type { Client, WriteOptions } from '../../runtime/client.ts';
import { isMap } from '../../runtime/compare.ts';
import { ApiError, isForbidden } from '../../runtime/errors.ts';
import { keyOf, type KubeObject, type ObjectKey, type Resource } from '../../runtime/resource.ts';
import { matchesLabels } from './selector.ts';
import { statusOf, type World } from './world.ts';

/** The operator's own kinds as they are meant to be may differ from the live ones: patches of them are merged here. */
const OWN_GROUP = 'orderplane.dev';
const OPERATOR = 'orderplane-operator';

/** What controllers use of a client. */
type Used = 'get' | 'list' | 'create' | 'apply' | 'applyStatus' | 'mergePatch' | 'delete' | 'podLogs' | 'raw';

/** @param canDryRun whether writes can be tried on the live cluster: not where the namespace is still missing */
export function rehearsalClient(world: World, canDryRun: boolean): Client {
  const { live, signal } = world;
  const dryRun = (options: WriteOptions = {}) => ({ fieldManager: OPERATOR, ...options, dryRun: true, signal });

  /** What the live API server makes of a write; undefined where it cannot be asked. */
  async function tried<T>(
    resource: Resource,
    key: ObjectKey,
    attempt: (live: Client) => Promise<T>,
  ): Promise<T | undefined> {
    if (!live || !canDryRun) return undefined;
    // What was deleted here is still there to the API server, which would compare with it.
    if (!(await world.read(resource, key)) && (await world.before(resource, key))) return undefined;
    try {
      return await attempt(live);
    } catch (error) {
      // What the user may not do says nothing of the operator; a refusal by quota or policy does.
      if (!isForbidden(error) || !/User ".*" cannot /.test(error.message)) throw error;
      world.doubts.add(`you may not write ${resource.plural}, so the API server was not asked what it makes of them`);
      return undefined;
    }
  }

  async function existing<T extends KubeObject>(resource: Resource<T>, key: ObjectKey): Promise<T> {
    const found = await world.read(resource, key);
    if (!found) throw refusal(404, 'NotFound', `${resource.plural} "${key.name}" not found`);
    return found;
  }

  const client: Pick<Client, Used> = {
    get: async (resource, key) => (await world.read(resource, key)) ?? (world.isOffline ? classLike(resource, key) : undefined), // prettier-ignore
    async list(resource, { namespace = '', labelSelector, fieldSelector } = {}) {
      // Nothing that is made here is looked for by its fields.
      if (fieldSelector)
        return (await live?.list(resource, { namespace, labelSelector, fieldSelector, signal })) ?? NOTHING;
      await world.load(resource, { namespace, labelSelector });
      const found = world.find(resource).filter((object) => matchesLabels(object, labelSelector));
      const items = found.filter((object) => !namespace || object.metadata.namespace === namespace);
      return { items, resourceVersion: String(world.changes) };
    },
    async create(resource, object, options) {
      const key = keyOf(object);
      if (await world.read(resource, key))
        throw refusal(409, 'AlreadyExists', `${resource.plural} "${key.name}" already exists`);
      const stored = await tried(resource, key, (at) => at.create(resource, object, dryRun(options)));
      if (options?.dryRun) return stored ?? object;
      await world.note(resource, key);
      return world.put(resource, stored ?? object);
    },
    async apply(resource, object, options) {
      const key = keyOf(object);
      const previous = await world.read(resource, key);
      if (previous && options?.onlyNew)
        throw refusal(409, 'Conflict', `${resource.plural} "${key.name}" is there already`);
      const stored = await tried(resource, key, (at) =>
        at.apply(resource, object, { force: true, ...dryRun(options) }),
      );
      if (options?.dryRun) return stored ?? object;
      await world.note(resource, key);
      return world.put(resource, { ...(stored ?? merge(previous, object)), ...statusOf(previous) });
    },
    async applyStatus(resource, object) {
      const previous = await existing(resource, keyOf(object));
      return world.put(resource, { ...previous, ...statusOf(object) });
    },
    async mergePatch(resource, key, patch, options) {
      const previous = await existing(resource, key);
      const change = withoutPreconditions(patch);
      if (options?.subresource) return world.put(resource, mergePatch(previous, change) as typeof previous);
      const isOwn = resource.group === OWN_GROUP;
      const isLive = !isOwn && (await world.before(resource, key)) !== undefined;
      const stored = isLive
        ? await tried(resource, key, (at) => at.mergePatch(resource, key, change, dryRun(options)))
        : undefined;
      if (!isOwn) await world.note(resource, key);
      const merged = stored ?? (mergePatch(previous, change) as typeof previous);
      return world.put(resource, { ...merged, ...statusOf(previous) });
    },
    async delete(resource, key, { propagation } = {}) {
      if (!(await world.read(resource, key))) return false;
      await world.note(resource, key);
      world.remove(resource, key, { orphan: propagation === 'Orphan' });
      return true;
    },
    podLogs: (key, options) => (live ? live.podLogs(key, { ...options, signal }) : Promise.resolve('')),
    raw(path, request = {}) {
      if (live && (request.method ?? 'GET') === 'GET') return live.raw(path, { ...request, signal });
      return Promise.reject(refusal(404, 'NotFound', `${path} is not there`));
    },
  };
  return client as Client;
}

const NOTHING = { items: [], resourceVersion: '' };

/** Without a cluster, classes are supposed to be there, and to allow what they can. */
function classLike<T extends KubeObject>({ plural }: Resource<T>, { name }: ObjectKey): T | undefined {
  if (plural !== 'storageclasses' && plural !== 'ingressclasses') return undefined;
  return { metadata: { name }, allowVolumeExpansion: true } as unknown as T;
}

function refusal(status: number, reason: string, message: string): ApiError {
  return new ApiError(message, { status, reason });
}

/** Without an API server to ask: what the operator writes it writes whole, so its own fields are all there are. */
function merge<T extends KubeObject>(previous: T | undefined, object: T): T {
  const { finalizers } = previous?.metadata ?? {};
  return { ...object, metadata: { ...(finalizers && { finalizers }), ...object.metadata } };
}

/** Versions and identities are the world's own, and nobody else writes there. */
function withoutPreconditions(patch: object): object {
  const { metadata, ...rest } = patch as { metadata?: Record<string, unknown> };
  if (!metadata) return patch;
  const { resourceVersion: _, uid: __, ...kept } = metadata;
  return { ...rest, metadata: kept };
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch;
  const result: Record<string, unknown> = isMap(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}
