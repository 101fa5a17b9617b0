/** What this operator would change of what runs, were it asked to. */
import { orderPlatformSpec, type OrderPlatform, type OrderPlatformStatus } from '../../../api/v1alpha1/index.ts';
import type { Desired } from '../../../resources/desired.ts';
import type { PodTemplate } from '../../../resources/pod.ts';
import { followsOperator, isNewer, releaseIfFollowed, releaseOf, revisionOf } from '../../../resources/release.ts';
import { resolvePlatform } from '../../../resources/resolve.ts';
import { workloadTemplate } from '../../../resources/service.ts';
import { changesBetween, hashOf, type ValueChange, type Recorder } from '../../../runtime/index.ts';
import { offered, type Deps } from '../../deps.ts';
import type { Scope } from '../scope.ts';
import type { PinPlan } from './plan.ts';

type Upgrade = NonNullable<OrderPlatformStatus['upgradeAvailable']>;

/** Undefined where all runs as this operator has it. Rollouts that were given up are none of it: those the spec asks for already. */
export function upgradeAvailable(deps: Deps, scope: Scope): Upgrade | undefined {
  const { object, platform, pins } = scope;
  const offer = offered(deps);
  const isKept = platform.release !== offer.version || [...pins.values()].some(({ kind }) => kind === 'kept');
  if (!scope.desired || followsOperator(object, offer) || !isKept) return undefined;
  const spec = orderPlatformSpec.parse(object.spec);
  const { name, namespace, uid } = platform;
  const { images, version: followed } = releaseIfFollowed(object, offer);
  const isSameRelease = images === releaseOf(object, offer).images;
  if (isSameRelease && [...pins.values()].every(runsAsRendered)) return undefined;
  const { platform: following } = resolvePlatform({ name, namespace, uid }, spec, images, { version: followed });
  if (!following) return undefined;
  const changes = [...templatesOf(deps.renderer.render(following, scope.secrets, scope.referenced))].flatMap(
    ([component, template]) => {
      const plan = pins.get(component);
      if (!plan || plan.kind === 'returned' || hashOf(plan.template) === hashOf(template)) return [];
      return `${component}: ${describe(plan.template, template)}`.slice(0, MAX_CHANGE);
    },
  );
  const version = isNewer(offer.version, platform.release) ? { version: offer.version } : {};
  if (changes.length === 0 && !version.version) return undefined;
  return { revision: revisionOf(offer), ...version, changes };
}

/** Whether what runs is what this operator has just rendered for the platform as it is. */
const runsAsRendered = ({ template, record }: PinPlan) => hashOf(template) === record.renderedHash;

/** Tells once that there is an upgrade to be had. */
export function recordUpgrade(
  recorder: Recorder,
  object: OrderPlatform,
  { upgradeAvailable: upgrade }: OrderPlatformStatus,
) {
  if (!upgrade || upgrade.revision === object.status?.upgradeAvailable?.revision) return;
  const message = `this operator would replace the pods of ${upgrade.changes.length} components: set spec.upgrades.accepted to ${upgrade.revision} to have it`;
  recorder.event(object, { type: 'Normal', reason: 'UpgradeAvailable', message });
}

const MAX_CHANGE = 1024;
const MAX_DIFFERENCES = 5;

function templatesOf({ stores, broker, services }: Desired): Map<string, PodTemplate | undefined> {
  const stateful = [...stores, ...(broker ? [broker] : [])];
  return new Map([
    ...stateful.map(({ component, statefulSet }) => [component, statefulSet.spec?.template] as const),
    ...services.map((objects) => [objects.service.name, workloadTemplate(objects)] as const),
  ]);
}

/** The fields that would change, such as `image a → b`. */
function describe(kept: PodTemplate, next: PodTemplate | undefined): string {
  const isImage = ({ path }: ValueChange) => Number(path.endsWith('.image'));
  const all = changesBetween(kept, next).toSorted((a, b) => isImage(b) - isImage(a));
  // Two containers of one image change alike.
  const words = [...new Set(all.map(inWords))];
  const rest = words.length - MAX_DIFFERENCES;
  return [...words.slice(0, MAX_DIFFERENCES), ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
}

function inWords({ path, before, after }: ValueChange): string {
  const isScalar = [before, after].every((value) => typeof value !== 'object' || value === null);
  const place = path.endsWith('.image') ? 'image' : path.replace(/^spec\./, '');
  return isScalar ? `${place} ${show(before)} → ${show(after)}` : place;
}

function show(value: unknown): string {
  return value === undefined ? 'none' : typeof value === 'string' ? value : JSON.stringify(value);
}
