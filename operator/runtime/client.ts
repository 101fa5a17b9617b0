import { loadCredentials, type KubeconfigSource } from './credentials.ts';
import { ApiError, isNotFound, type StatusBody } from './errors.ts';
import type { Fence } from './fence.ts';
import { jsonLines } from './json-lines.ts';
import { silentLogger, type Log } from './log.ts';
import { resourcePath, type KubeObject, type ObjectKey, type ObjectMeta, type Resource } from './resource.ts';
import { createTransport, type HttpRequest, type RequestObserver, type Transport } from './transport.ts';

export interface CallOptions {
  signal?: AbortSignal;
}

export interface ListOptions extends CallOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  limit?: number;
  continue?: string;
  resourceVersion?: string;
}

export interface ObjectList<T> {
  items: T[];
  resourceVersion: string;
  /** Pass on to get the next page; absent on the last one. */
  continue?: string;
}

export interface WriteOptions extends CallOptions {
  fieldManager?: string;
  dryRun?: boolean;
}

export interface ApplyOptions extends WriteOptions {
  /** Take over fields that another manager owns. Default true: a controller is right about the fields that it sets. */
  force?: boolean;
  /** Create it, and fail with Conflict where something of that name is there, whoever has made it and when. */
  onlyNew?: boolean;
}

export interface PatchOptions extends WriteOptions {
  subresource?: string;
}

export interface DeleteOptions extends CallOptions {
  /** Default Background. */
  propagation?: 'Background' | 'Foreground' | 'Orphan';
  /** Delete only this very object, never a namesake. */
  uid?: string;
  gracePeriodSeconds?: number;
}

export interface WatchOptions extends CallOptions {
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  resourceVersion: string;
  timeoutSeconds: number;
  /** Silence after which the connection counts as dead, in milliseconds. */
  idleMs: number;
}

export type WatchEvent<T> =
  { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; object: T } | { type: 'ERROR'; object: StatusBody };

export interface LogOptions extends CallOptions {
  container?: string;
  tailLines?: number;
  previous?: boolean;
  limitBytes?: number;
}

/**
 * Raw JSON access to one API server. Every method throws ApiError for a refusal. What is safe to repeat is retried a few
 * times after connection errors, 5xx and 429 (Retry-After is honoured); a request that gets no answer fails after 30 s.
 */
export interface Client {
  /** undefined when there is no such object. */
  get<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options?: CallOptions): Promise<T | undefined>;
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<T>>;
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  /** Replaces the whole object; a conflict unless `metadata.resourceVersion` is the stored one. */
  update<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  /** Server-side apply of the fields in `object`; creates it when it is not there. */
  apply<T extends KubeObject>(resource: Resource<T>, object: T, options?: ApplyOptions): Promise<T>;
  /** Server-side apply of `object.status`; fails with NotFound when the object is not there. */
  applyStatus<T extends KubeObject>(resource: Resource<T>, object: T, options?: ApplyOptions): Promise<T>;
  /** JSON merge patch: maps are merged, lists replaced, null removes. */
  mergePatch<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    patch: object,
    options?: PatchOptions,
  ): Promise<T>;
  /** False when it was not there (or, with `uid`, another one is). */
  delete(resource: Resource, key: ObjectKey, options?: DeleteOptions): Promise<boolean>;
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>, void>;
  podLogs(key: ObjectKey, options?: LogOptions): Promise<string>;
  /** The text that the server answers at a path, such as `/readyz` or `/version`. */
  raw(path: string, request?: Partial<Omit<HttpRequest, 'path'>>): Promise<string>;
  /** Calls `observer` for every answer from now on. */
  observe(observer: RequestObserver): void;
  /** From now on nothing that changes anything is sent unless the fence is open; it fails with the fence's error instead. */
  fence(fence: Fence): void;
  /** Another client for the same server and user, on connections of its own, observed by nobody and behind no fence. */
  sibling(): Client;
  close(): Promise<void>;
}

export interface ClientOptions {
  kubeconfig: KubeconfigSource;
  userAgent?: string;
  /** The manager that owns what is written, unless a call names another. */
  fieldManager?: string;
  log?: Log;
}

export const DEFAULT_FIELD_MANAGER = 'orderplane-operator';
/** etcd begins at it, so no object ever has it: a server asked to apply upon this version can only create. */
const NO_VERSION = '1';
const APPLY_PATCH = 'application/apply-patch+yaml';
const MERGE_PATCH = 'application/merge-patch+json';

/** Opens no connection and reads no file until the first request. */
export function createClient(options: ClientOptions): Client {
  const { fieldManager = DEFAULT_FIELD_MANAGER, log = silentLogger } = options;
  const userAgent = options.userAgent ?? fieldManager;
  const observers: RequestObserver[] = [];
  let fence: Fence | undefined;
  let opened: Promise<Transport> | undefined;

  function transport(): Promise<Transport> {
    opened ??= loadCredentials(options.kubeconfig).then((credentials) => {
      const transport = createTransport(credentials, { userAgent, log });
      transport.observe((request) => observers.forEach((observe) => observe(request)));
      if (fence) transport.fence(fence);
      return transport;
    });
    opened.catch(() => (opened = undefined));
    return opened;
  }

  const text = async (request: HttpRequest) => (await transport()).request(request);
  const json = async <T>(request: HttpRequest) => JSON.parse(await text(request)) as T;
  const writeQuery = (o: WriteOptions) => ({
    fieldManager: o.fieldManager ?? fieldManager,
    dryRun: o.dryRun ? 'All' : undefined,
  });

  function applyTo<T extends KubeObject>(
    resource: Resource<T>,
    body: object,
    meta: ObjectMeta,
    o: ApplyOptions,
    subresource?: string,
  ) {
    return json<T>({
      method: 'PATCH',
      path: resourcePath(resource, meta.namespace, meta.name, subresource),
      query: { ...writeQuery(o), force: o.force ?? true },
      body: { apiVersion: resource.apiVersion, kind: resource.kind, ...body },
      contentType: APPLY_PATCH,
      signal: o.signal,
    });
  }

  return {
    get: (resource, key, o = {}) =>
      undefinedIfNotFound(
        json({ method: 'GET', path: resourcePath(resource, key.namespace, key.name), signal: o.signal }),
      ),
    async list(resource, o = {}) {
      const { namespace, signal, ...query } = o;
      type Body<T> = { items: T[] | null; metadata: { resourceVersion: string; continue?: string } };
      const path = resourcePath(resource, namespace);
      const { items, metadata } = await json<Body<typeof resource.objectType & KubeObject>>({
        method: 'GET',
        path,
        query,
        signal,
      });
      return {
        items: items ?? [],
        resourceVersion: metadata.resourceVersion,
        continue: metadata.continue || undefined,
      };
    },
    create: (resource, object, o = {}) =>
      json({
        method: 'POST',
        path: resourcePath(resource, object.metadata.namespace),
        query: writeQuery(o),
        body: { apiVersion: resource.apiVersion, kind: resource.kind, ...object },
        signal: o.signal,
      }),
    update: (resource, object, o = {}) =>
      json({
        method: 'PUT',
        path: resourcePath(resource, object.metadata.namespace, object.metadata.name),
        query: writeQuery(o),
        body: { apiVersion: resource.apiVersion, kind: resource.kind, ...object },
        signal: o.signal,
      }),
    apply(resource, object, o = {}) {
      const { metadata } = object;
      const body = o.onlyNew ? { ...object, metadata: { ...metadata, resourceVersion: NO_VERSION } } : object;
      return applyTo(resource, body, metadata, o);
    },
    applyStatus(resource, object, o = {}) {
      const { name, namespace } = object.metadata;
      const { status } = object as { status?: unknown };
      return applyTo(resource, { metadata: { name, namespace }, status }, object.metadata, o, 'status');
    },
    mergePatch: (resource, key, patch, o = {}) =>
      json({
        method: 'PATCH',
        path: resourcePath(resource, key.namespace, key.name, o.subresource),
        query: writeQuery(o),
        body: patch,
        contentType: MERGE_PATCH,
        signal: o.signal,
      }),
    async delete(resource, key, o = {}) {
      const body = {
        propagationPolicy: o.propagation ?? 'Background',
        gracePeriodSeconds: o.gracePeriodSeconds,
        preconditions: o.uid ? { uid: o.uid } : undefined,
      };
      try {
        await text({ method: 'DELETE', path: resourcePath(resource, key.namespace, key.name), body, signal: o.signal });
        return true;
      } catch (error) {
        if (error instanceof ApiError && (error.status === 404 || (o.uid && error.status === 409))) return false;
        throw error;
      }
    },
    async *watch<T extends KubeObject>(resource: Resource<T>, o: WatchOptions) {
      const { namespace, signal, idleMs, ...query } = o;
      const body = await (
        await transport()
      ).stream({
        method: 'GET',
        path: resourcePath(resource, namespace),
        query: { ...query, watch: true, allowWatchBookmarks: true },
        signal,
        idleMs,
      });
      try {
        yield* jsonLines<WatchEvent<T>>(body);
      } finally {
        body.destroy();
      }
    },
    podLogs: (key, { signal, ...query } = {}) =>
      text({ method: 'GET', path: `/api/v1/namespaces/${key.namespace}/pods/${key.name}/log`, query, signal }),
    raw: (path, request = {}) => text({ method: 'GET', ...request, path }),
    observe: (observer) => void observers.push(observer),
    fence(given) {
      fence = given;
      opened?.then((transport) => transport.fence(given)).catch(() => undefined);
    },
    sibling: () => createClient(options),
    async close() {
      if (opened) await (await opened).close();
    },
  };
}

async function undefinedIfNotFound<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
