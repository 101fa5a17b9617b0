import type { KubeObject, OwnerReference, Resource } from './resource.ts';

/**
 * The reference that makes `owner` the controller of a dependent: it is garbage-collected with it, and its changes are
 * mapped to it. Throws when the owner was never stored (no uid).
 */
export function controllerReference(resource: Resource, owner: KubeObject): OwnerReference {
  const { name, uid } = owner.metadata;
  if (!uid) throw new Error(`${resource.kind} ${name} has no uid, so it cannot own anything`);
  return {
    apiVersion: resource.apiVersion,
    kind: resource.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The one reference with `controller: true`, if any. */
export function controllerOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true);
}

/** Whether a reference points at the resource, whatever version of its group it was written with. */
export function refersTo(reference: OwnerReference, resource: Resource): boolean {
  const slash = reference.apiVersion.indexOf('/');
  const group = slash < 0 ? '' : reference.apiVersion.slice(0, slash);
  return group === resource.group && reference.kind === resource.kind;
}
