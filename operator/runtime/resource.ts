import type { ManagedFields } from './field-managers.ts';

/** A reference from a dependent to the object that owns it (metav1.OwnerReference). */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean;
  blockOwnerDeletion?: boolean;
}

/** metav1.ObjectMeta as it is on the wire: times are RFC 3339 strings. */
export interface ObjectMeta {
  name: string;
  namespace?: string;
  generateName?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: OwnerReference[];
  finalizers?: string[];
  managedFields?: ManagedFields[];
}

/** Any Kubernetes object, as raw JSON. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
}

/** Names one object of a resource; `namespace` is '' for cluster-scoped objects. */
export interface ObjectKey {
  namespace: string;
  name: string;
}

/** A kind of object and where the API server serves it. `T` is the shape of its objects. */
export interface Resource<T extends KubeObject = KubeObject> {
  group: string;
  version: string;
  apiVersion: string;
  kind: string;
  plural: string;
  namespaced: boolean;
  /** Never set: carries `T` for inference. */
  readonly objectType?: T;
}

/**
 * Describes a resource of the API server.
 * @param apiVersion `v1` or `group/version`
 * @param plural the name in paths, such as `deployments`
 */
export function defineResource<T extends KubeObject = KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
  options: { namespaced?: boolean } = {},
): Resource<T> {
  const [group, version] = apiVersion.includes('/') ? (apiVersion.split('/') as [string, string]) : ['', apiVersion];
  return { group, version, apiVersion, kind, plural, namespaced: options.namespaced ?? true };
}

/** The path of a collection, or of one object when `name` is given. */
export function resourcePath(resource: Resource, namespace?: string, name?: string, subresource?: string): string {
  let path = resource.group ? `/apis/${resource.apiVersion}` : `/api/${resource.apiVersion}`;
  if (resource.namespaced && namespace) path += `/namespaces/${encodeURIComponent(namespace)}`;
  path += `/${resource.plural}`;
  if (name !== undefined) path += `/${encodeURIComponent(name)}`;
  if (subresource !== undefined) path += `/${subresource}`;
  return path;
}

/** The key of an object. */
export function keyOf(object: KubeObject): ObjectKey {
  return { namespace: object.metadata.namespace ?? '', name: object.metadata.name };
}

/** `namespace/name`, or `name` for cluster-scoped objects: the form used in queues, caches and logs. */
export function keyToString(key: ObjectKey): string {
  return key.namespace ? `${key.namespace}/${key.name}` : key.name;
}

/** The inverse of `keyToString`. */
export function keyFromString(text: string): ObjectKey {
  const slash = text.indexOf('/');
  return slash < 0 ? { namespace: '', name: text } : { namespace: text.slice(0, slash), name: text.slice(slash + 1) };
}

/** Resource versions are numbers of any length that grow with every write (Kubernetes 1.35 promises so). */
export function isOlderVersion(a: string | undefined, b: string | undefined): boolean {
  if (!a || !b || !/^\d+$/.test(a + b)) return false;
  return a.length === b.length ? a < b : a.length < b.length;
}
