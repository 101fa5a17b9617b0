import { MANAGED_BY_LABEL, MANAGER, PLATFORM_LABEL } from '../resources/labels.ts';
import {
  applyIfChanged,
  controllerOf,
  hasWritten,
  isConflict,
  isDeleting,
  isForbidden,
  isInvalid,
  keyOf,
  type Informer,
  type KubeObject,
  type ReconcileContext,
} from '../runtime/index.ts';
import type { Deps } from './deps.ts';
import { Blocked, stalled } from './fact.ts';

/** Whose an object is, when it is to be ours. */
export interface Owner {
  name: string;
  uid: string;
}

/** How often something that a person has to put right is tried again. */
const RETRY_STALLED_MS = 30_000;

/**
 * The live object, as it was before: from the cache, or, where that has none, from the API server, which also has what is not ours.
 * Throws Blocked with NameConflict for an object of that name that belongs to somebody else.
 */
export async function findOwned<T extends KubeObject>(
  { client }: Pick<Deps, 'client'>,
  informer: Informer<T>,
  owner: Owner,
  key: { namespace: string; name: string },
  { signal }: Pick<ReconcileContext, 'signal'>,
): Promise<T | undefined> {
  const found = informer.get(key) ?? (await client.get(informer.resource, key, { signal }));
  if (found) refuseForeign(informer.resource.kind, found, owner);
  return found;
}

/** Makes an object so, and returns it as stored. No request when it is so already. */
export async function ensure<T extends KubeObject>(
  deps: Pick<Deps, 'client'>,
  informer: Informer<T>,
  owner: Owner,
  desired: T,
  context: Pick<ReconcileContext, 'signal'>,
): Promise<T> {
  const { client } = deps;
  const { resource } = informer;
  const key = keyOf(desired);
  try {
    // What nobody knows of is most likely not there, and is made without a look: the server refuses to, where it is.
    if (!informer.get(key) && !hasWritten(client, resource, key)) {
      const options = { ...context, onlyNew: true };
      const made = await applyIfChanged(client, resource, desired, undefined, options).catch(undefinedIfConflict);
      if (made) return made.object;
    }
    const current = await findOwned(deps, informer, owner, key, context);
    // It is made anew when it is gone.
    if (current && isDeleting(current)) return current;
    return (await applyIfChanged(client, resource, desired, current, context)).object;
  } catch (error) {
    if (isInvalid(error) || isForbidden(error)) {
      const what = `${informer.resource.kind} ${desired.metadata.name} was refused by the API server: ${error.message}`;
      throw new Blocked(stalled(isInvalid(error) ? 'InvalidSpec' : 'Forbidden', what, RETRY_STALLED_MS));
    }
    throw error;
  }
}

function undefinedIfConflict(error: unknown): undefined {
  if (!isConflict(error)) throw error;
}

function refuseForeign(kind: string, object: KubeObject, owner: Owner): void {
  if (isOurs(object, owner)) return;
  const { name } = object.metadata;
  const controller = controllerOf(object);
  if (controller?.kind === 'OrderPlatform' && controller.name === owner.name) {
    throw new Error(`${kind} ${name} is of an earlier platform ${owner.name}, and being deleted`);
  }
  const holder = controller ? `${controller.kind} ${controller.name}` : labelledHolder(object);
  const whose = holder ? `belongs to ${holder}` : 'is not of this platform';
  const remedy = holder
    ? 'rename one of the two, or the service that it is for'
    : `delete it, rename the platform, or hand it over with the labels ${PLATFORM_LABEL}=${owner.name},${MANAGED_BY_LABEL}=${MANAGER}`;
  throw new Blocked(stalled('NameConflict', `${kind} ${name} exists and ${whose}: ${remedy}`, RETRY_STALLED_MS));
}

/** Ours by owner; without any, by label: retained objects, and those that an owner was taken from. */
export function isOurs(object: KubeObject, owner: Owner): boolean {
  const controller = controllerOf(object);
  return controller ? controller.uid === owner.uid : labelledPlatform(object) === owner.name;
}

/** The platform that an object was made for, as its labels say; the label of the platform alone may be anybody's. */
function labelledPlatform({ metadata: { labels } }: KubeObject): string | undefined {
  return labels?.[MANAGED_BY_LABEL] === MANAGER ? labels[PLATFORM_LABEL] : undefined;
}

function labelledHolder(object: KubeObject): string | undefined {
  const platform = labelledPlatform(object);
  return platform && `OrderPlatform ${platform}`;
}

/** Runs all of them, and only then throws what the first one threw: one object's trouble does not keep the others from repair. */
export async function all<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results = await Promise.allSettled(items.map(work));
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
