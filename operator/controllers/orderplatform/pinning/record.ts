/** Keeps what was applied, so that it can be put back. */
import { REVISION_OF_LABEL } from '../../../resources/labels.ts';
import type { PodTemplate } from '../../../resources/pod.ts';
import {
  parseRevision,
  revisionName,
  revisionObject,
  type TemplateRevision,
} from '../../../resources/template-revision.ts';
import { findCondition, hashOf, type Deployment } from '../../../runtime/index.ts';
import type { Deps } from '../../deps.ts';
import { ensure } from '../../ensure.ts';
import { isObserved } from '../../observed.ts';
import type { Scope } from '../scope.ts';
import { attemptOf, revisionsOf } from './pin.ts';
import { returnTarget } from './plan.ts';

/** As many templates of a component are kept: the one that is applied, and those before it. */
const KEPT_REVISIONS = 5;

/** Records the template that is about to be applied to a workload; before, so that none is ever applied that is not known. */
export async function recordTemplate(
  deps: Deps,
  scope: Scope,
  component: string,
  next: PodTemplate | undefined,
): Promise<void> {
  const plan = scope.pins.get(component);
  // A gate keeps the old template for now: that one is recorded already.
  if (!plan || hashOf(next) !== hashOf(plan.template)) return;
  const revisions = revisionsOf(deps, scope, component);
  const name = revisionName(scope.platform.name, component, plan.template);
  await write(deps, scope, component, plan.record);
  const others = revisions.filter(({ metadata }) => metadata.name !== name);
  for (const { metadata } of others.slice(KEPT_REVISIONS - 1)) {
    const key = { namespace: scope.platform.namespace, name: metadata.name };
    await deps.client.delete(deps.caches.revisions.resource, key, { uid: metadata.uid, signal: scope.signal });
  }
}

/** Notes that all pods of a service run with its template: it is one to return to. */
export async function noteAvailable(deps: Deps, scope: Scope, component: string): Promise<void> {
  const record = scope.pins.get(component)?.record;
  if (record && !record.wasAvailable) await write(deps, scope, component, { ...record, wasAvailable: true });
}

/** How the rollout of a Deployment's template stands, as the Deployment controller has it; undefined while that has not seen it. */
export function rolloutOf(deployment: Deployment): string | undefined {
  if (!isObserved(deployment)) return undefined;
  return findCondition(deployment.status?.conditions, 'Progressing')?.reason;
}

/**
 * Gives up the rollout of the current template, if there is one to return to: the next visit does so. Whether it was given up.
 * @param why in words
 */
export async function giveUpRollout(deps: Deps, scope: Scope, component: string, why: string): Promise<boolean> {
  const revisions = revisionsOf(deps, scope, component).map(parseRevision);
  const [current] = revisions;
  // What all pods have run with before is not what is wrong now.
  if (!current || current.wasAvailable || !returnTarget(revisions, current)) return false;
  const failed: TemplateRevision = {
    ...current,
    wasAvailable: false,
    failure: { attempt: attemptOf(scope.object), message: why },
  };
  await write(deps, scope, component, failed);
  return true;
}

/** Deletes the revisions of components that are no longer wanted. */
export async function pruneRevisions(deps: Deps, { platform, desired, pins, signal }: Scope): Promise<void> {
  if (!desired) return;
  const { revisions } = deps.caches;
  for (const revision of revisions.byOwner(platform.uid)) {
    const { name, uid, labels } = revision.metadata;
    const component = labels?.[REVISION_OF_LABEL] ?? '';
    if (pins.has(component) || platform.leaving.some((service) => service.name === component)) continue;
    await deps.client.delete(revisions.resource, { namespace: platform.namespace, name }, { uid, signal });
  }
}

async function write(deps: Deps, scope: Scope, component: string, revision: TemplateRevision): Promise<void> {
  const { platform } = scope;
  await ensure(deps, deps.caches.revisions, platform, revisionObject(platform, component, revision), scope);
}
