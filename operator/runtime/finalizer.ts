import type { CallOptions, Client } from './client.ts';
import { isNotFound } from './errors.ts';
import { keyOf, type KubeObject, type Resource } from './resource.ts';

export function isDeleting(object: KubeObject): boolean {
  return object.metadata.deletionTimestamp !== undefined;
}

export function hasFinalizer(object: KubeObject, finalizer: string): boolean {
  return object.metadata.finalizers?.includes(finalizer) ?? false;
}

/**
 * Adds a finalizer and returns the object as stored; no request when it is there. Fails with a conflict when the object
 * changed meanwhile, because a merge patch replaces the whole list.
 */
export async function addFinalizer<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  object: T,
  finalizer: string,
  options: CallOptions = {},
): Promise<T> {
  if (hasFinalizer(object, finalizer)) return object;
  return patchFinalizers(client, resource, object, [...(object.metadata.finalizers ?? []), finalizer], options);
}

/** Takes a finalizer away; fine when it, or the object, is gone already. */
export async function removeFinalizer<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  object: T,
  finalizer: string,
  options: CallOptions = {},
): Promise<void> {
  if (!hasFinalizer(object, finalizer)) return;
  const rest = object.metadata.finalizers!.filter((name) => name !== finalizer);
  try {
    await patchFinalizers(client, resource, object, rest, options);
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

function patchFinalizers<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  object: T,
  finalizers: string[],
  options: CallOptions,
): Promise<T> {
  const { uid, resourceVersion } = object.metadata;
  return client.mergePatch(resource, keyOf(object), { metadata: { uid, resourceVersion, finalizers } }, options);
}
