/** Pinning: what runs is kept across upgrades of the operator until the spec asks for more, and is returned to when a rollout fails. */
import { orderPlatformSpec, withoutDefaults, type OrderPlatform } from '../../../api/v1alpha1/index.ts';
import { withRunTemplate } from '../../../resources/cron-job.ts';
import type { Desired } from '../../../resources/desired.ts';
import { referencesOf, referredValue } from '../../../resources/environment.ts';
import { connectionsOf, type Connections } from '../../../resources/connections.ts';
import { REQUESTED_AT, REVISION_OF_LABEL } from '../../../resources/labels.ts';
import type { PodTemplate } from '../../../resources/pod.ts';
import { followsOperator } from '../../../resources/release.ts';
import { withTemplate, workloadTemplate } from '../../../resources/service.ts';
import { parseRevision } from '../../../resources/template-revision.ts';
import { hashOf, type ControllerRevision } from '../../../runtime/index.ts';
import { ofPlatform } from '../../caches.ts';
import { offered, type Deps } from '../../deps.ts';
import type { Scope } from '../scope.ts';
import { planTemplate } from './plan.ts';

/** The objects with the pod templates that are to be: as this operator has them, or as they were. Notes the reasons in the scope. */
export function pinTemplates(deps: Deps, scope: Scope, desired: Desired): Desired {
  const common = {
    renderer: deps.renderer.version,
    release: scope.platform.version,
    inputHash: inputHashOf(scope),
    follows: followsOperator(scope.object, offered(deps)),
    attempt: attemptOf(scope.object),
  };
  const pinned: Pinned = (component, rendered, connections) => {
    const revisions = revisionsOf(deps, scope, component).map(parseRevision);
    const plan = planTemplate({ ...common, rendered: rendered as PodTemplate, revisions, connections });
    scope.pins.set(component, plan);
    return plan.template;
  };
  return {
    ...desired,
    stores: desired.stores.map((store) => pinnedStore(store, pinned)),
    broker: desired.broker && pinnedStore(desired.broker, pinned),
    services: desired.services.map((objects) => {
      const { deployment, cronJob, service } = objects;
      const template = pinned(service.name, workloadTemplate(objects), connectionsOf(service.needs));
      return {
        ...objects,
        deployment: deployment && withTemplate(deployment, template),
        cronJob: cronJob && withRunTemplate(cronJob, template),
      };
    }),
  };
}

type Pinned = (component: string, rendered: PodTemplate | undefined, connections?: Connections) => PodTemplate;

function pinnedStore(store: Desired['stores'][number], pinned: Pinned): Desired['stores'][number] {
  const { statefulSet, component } = store;
  const spec = statefulSet.spec as NonNullable<typeof statefulSet.spec>;
  return { ...store, statefulSet: { ...statefulSet, spec: { ...spec, template: pinned(component, spec.template) } } };
}

/** The revisions of a component, newest first. */
export function revisionsOf(
  { caches }: Pick<Deps, 'caches'>,
  { platform }: Pick<Scope, 'platform'>,
  component: string,
): ControllerRevision[] {
  return ofPlatform(caches.revisions, platform)
    .filter(({ metadata }) => metadata.labels?.[REVISION_OF_LABEL] === component)
    .toSorted((a, b) => b.revision - a.revision);
}

/** No pod template follows from these. */
const UNRELATED = new Set(['upgrades', 'progressDeadlineSeconds', 'suspend', 'deletionPolicy', 'migrations']);

/** The spec as its user wrote it, and the passwords and values that it resolves to. */
function inputHashOf({ object, platform, secrets, referenced }: Scope): string {
  const asked = Object.entries(withoutDefaults(orderPlatformSpec, object.spec) ?? {});
  const passwords = Object.entries(secrets).map(([name, { password, key }]) => [name, password ?? key]);
  return hashOf({
    spec: Object.fromEntries(asked.filter(([field]) => !UNRELATED.has(field))),
    passwords: Object.fromEntries(passwords),
    referenced: platform.services.flatMap(referencesOf).map((each) => [each, referredValue(referenced, each)]),
  });
}

/** A rollout that failed is tried again in another attempt only. */
export function attemptOf({ metadata: { generation = 0, annotations = {} } }: OrderPlatform): string {
  return `${generation}/${annotations[REQUESTED_AT] ?? ''}`;
}

/** Why the template of a component is not the one that its spec asks for. */
export function returnedFrom(scope: Scope, component: string): string | undefined {
  const plan = scope.pins.get(component);
  return plan?.kind === 'returned' ? plan.failure : undefined;
}
