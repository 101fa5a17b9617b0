/** A snapshot of a platform as what there is to say of it: pure, and told of conditions by the conditions themselves. */
import type { ComponentStatus, Migration, OrderPlatform, SeedJob } from '../../api/v1alpha1/index.ts';
import { READY, RECONCILING, STAGES, STALLED, SUSPENDED } from '../../api/v1alpha1/conditions.ts';
import { REFUSALS } from '../../controllers/runs/plan.ts';
import { findCondition, type Condition } from '../../runtime/conditions.ts';
import { maskValue } from '../mask.ts';
import type { Snapshot } from './snapshot.ts';

/** `unasked`: the spec does not ask for it. `pending`: something earlier is in the way. */
export type State = 'ok' | 'failed' | 'waiting' | 'pending' | 'unasked';

/** One line of the tree. */
export interface Item {
  state: State;
  title: string;
  /** A figure or two, such as `1/1` or `0003`. */
  figure?: string;
  detail?: string;
  children: Item[];
}

export type Verdict = 'Ready' | 'NotReady' | 'Stalled' | 'Suspended' | 'Deleting' | 'Unseen';

export interface Report {
  namespace: string;
  name: string;
  verdict: Verdict;
  /** Whether it is Ready for what its spec is now. */
  ready: boolean;
  reason: string;
  /** The one thing in the way; undefined when nothing is. */
  cause?: string;
  /** Since when Ready is what it is. */
  since?: string;
  version?: string;
  profile: string;
  url?: string;
  services?: string;
  /** What else a person should know, such as that nobody keeps this current. */
  notes: string[];
  stages: Item[];
}

/** Conditions that say how it stands as a whole; every other one is a stage. */
const OVERALL = new Set<string>([READY, RECONCILING, STALLED, SUSPENDED]);

/** @param snapshot as the cluster has it; passwords in URIs do not get past here */
export function reportOf(snapshot: Snapshot): Report {
  return maskValue(describe(snapshot)) as Report;
}

function describe(snapshot: Snapshot): Report {
  const { platform } = snapshot;
  const { metadata, spec, status } = platform;
  const ready = findCondition(status?.conditions, READY);
  const verdict = verdictOf(platform);
  const cause = causeOf(verdict, platform);
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    verdict,
    ready: verdict === 'Ready',
    reason: verdict === 'NotReady' || verdict === 'Stalled' ? (ready?.reason ?? verdict) : verdict,
    ...(cause && { cause }),
    ...(ready && { since: ready.lastTransitionTime }),
    ...(status?.version && { version: status.version }),
    profile: spec.profile ?? 'dev',
    ...(status?.url && { url: status.url }),
    ...(status?.services && { services: status.services }),
    notes: notesOf(snapshot, verdict),
    stages: stagesOf(snapshot),
  };
}

function verdictOf({ metadata, status }: OrderPlatform): Verdict {
  const { conditions } = status ?? {};
  if (metadata.deletionTimestamp) return 'Deleting';
  if (findCondition(conditions, SUSPENDED)?.status === 'True') return 'Suspended';
  const ready = findCondition(conditions, READY);
  if (!ready) return 'Unseen';
  if (ready.observedGeneration !== undefined && ready.observedGeneration !== metadata.generation) return 'Unseen';
  if (ready.status === 'True') return 'Ready';
  return findCondition(conditions, STALLED)?.status === 'True' ? 'Stalled' : 'NotReady';
}

function causeOf(verdict: Verdict, { metadata, status }: OrderPlatform): string | undefined {
  switch (verdict) {
    case 'Ready':
      return undefined;
    case 'Unseen':
      return status?.conditions?.length
        ? `the operator has not acted on generation ${metadata.generation} of the spec yet`
        : 'the operator has not looked at it yet';
    case 'Suspended':
      return findCondition(status?.conditions, SUSPENDED)?.message ?? 'spec.suspend is set';
    case 'Deleting':
      return `is being taken down since ${metadata.deletionTimestamp}`;
    case 'NotReady':
    case 'Stalled':
      return findCondition(status?.conditions, READY)?.message;
  }
}

function notesOf({ operator, platform }: Snapshot, verdict: Verdict): string[] {
  const stale = 'what is shown here may be old, and nothing is repaired';
  const { upgradeAvailable: upgrade } = platform.status ?? {};
  return [
    ...(operator === 'missing' ? [`no operator in namespace orderplane-system: ${stale} (orderplane install)`] : []),
    ...(operator === 'down'
      ? [`the operator is not running: ${stale} (kubectl -n orderplane-system describe pods)`]
      : []),
    ...(upgrade ? [`the operator would change ${upgrade.changes.join('; ')}: set spec.upgrades.accepted to ${upgrade.revision} to have it`] : []), // prettier-ignore
    ...(verdict === 'Stalled' ? [stalledNote(platform)] : []),
  ];
}

/** What refused to go on is not repeated before somebody has decided. */
function stalledNote({ status }: OrderPlatform): string {
  const { reason = '' } = findCondition(status?.conditions, STALLED) ?? {};
  const isRefusal = REFUSALS.has(reason);
  return isRefusal ? 'it goes on once somebody has decided' : 'it is tried again all the same, but somebody has to act';
}

function stagesOf(snapshot: Snapshot): Item[] {
  const conditions = (snapshot.platform.status?.conditions ?? []).filter(({ type }) => !OVERALL.has(type));
  const order = (type: string) => (STAGES as readonly string[]).indexOf(type) + 1 || STAGES.length + 1;
  const sorted = conditions.toSorted((a, b) => order(a.type) - order(b.type));
  // A component whose stage has no condition is not lost.
  const types = new Set(sorted.map(({ type }) => type));
  const rest = componentItems(snapshot).filter(({ stage }) => !types.has(stage));
  return [
    ...sorted.map((condition) => stageItem(condition, partsOf(condition.type, snapshot), snapshot.platform)),
    ...rest.map(({ item }) => item),
  ];
}

/** `ServicesAvailable` → `services`, `OrderFlowVerified` → `order flow`. */
function titleOf(type: string): string {
  const words = type.replace(/(?!^)([A-Z])/g, ' $1').toLowerCase();
  return words.replace(/ (ready|available|applied|current|verified)$/, '');
}

function stageItem(condition: Condition, children: Item[], { metadata, status }: OrderPlatform): Item {
  const { type, reason, message, observedGeneration } = condition;
  const isOld = observedGeneration !== undefined && observedGeneration !== metadata.generation;
  const stalled = findCondition(status?.conditions, STALLED);
  const isStalled = stalled?.status === 'True' && stalled.reason === reason;
  const item = { title: titleOf(type), detail: message, children };
  if (condition.status === 'Unknown' || isOld) return { ...item, state: 'pending' };
  if (condition.status === 'True') return { ...item, state: reason === 'NotRequested' ? 'unasked' : 'ok' };
  return { ...item, state: isStalled || children.some(({ state }) => state === 'failed') ? 'failed' : 'waiting' };
}

function partsOf(type: string, snapshot: Snapshot): Item[] {
  const { databases = [] } = snapshot.platform.status ?? {};
  switch (type) {
    case 'DatabasesReady':
      return databases.map(({ engine, name }) => ({ state: 'ok', title: name, figure: engine, children: [] }));
    case 'SchemaCurrent':
      return byName(snapshot.migrations).map(migrationItem);
    case 'SeedsApplied':
      return byName(snapshot.seedJobs).map(seedItem);
    default:
      return componentItems(snapshot).flatMap(({ stage, item }) => (stage === type ? item : []));
  }
}

function componentItems({ platform: { spec, status } }: Snapshot): { stage: string; item: Item }[] {
  const isStore = (name: string) => Object.keys(spec.stores ?? {}).includes(name);
  const isBroker = (name: string) => Object.keys(spec.broker ?? {}).includes(name);
  return (status?.components ?? []).map((component) => {
    const { name } = component;
    const stage = isStore(name) ? 'StoresReady' : isBroker(name) ? 'BrokerReady' : 'ServicesAvailable';
    return { stage, item: componentItem(component) };
  });
}

function componentItem({ name, ready, desired, version, message }: ComponentStatus): Item {
  const state = message ? 'failed' : ready >= desired ? 'ok' : 'waiting';
  const detail = message ?? (state === 'ok' ? version : undefined);
  return { state, title: name, figure: `${ready}/${desired}`, ...(detail && { detail }), children: [] };
}

function migrationItem({ metadata, spec, status }: Migration): Item {
  const { currentVersion = 'none', pending = [] } = status ?? {};
  const waiting = pending.length > 0 ? `, ${pending.length} pending` : '';
  const figure = `${spec.engine}/${spec.database} ${currentVersion}${waiting}`;
  return { ...conditioned(metadata, status?.conditions), title: metadata.name, figure, children: [] };
}

function seedItem({ metadata, status }: SeedJob): Item {
  const item = { ...conditioned(metadata, status?.conditions), title: metadata.name, children: [] };
  const [last] = status?.runs ?? [];
  if (item.state !== 'ok') return item;
  const scheduled = findCondition(status?.conditions, 'ScheduledRunSucceeded');
  if (scheduled?.status === 'False') return { ...item, detail: scheduled.message };
  if (!last?.datasets) return item;
  const counts = last.datasets.map(({ name, inserted, updated, skipped, deleted = 0 }) => {
    const gone = deleted > 0 ? `, ${deleted} deleted` : '';
    return `${name}: ${inserted} inserted, ${updated} updated${gone}, ${skipped} left as they were`;
  });
  return { ...item, detail: counts.join('; ') };
}

function conditioned(
  { generation }: { generation?: number },
  conditions: readonly Condition[] | undefined,
): Pick<Item, 'state' | 'detail'> {
  const ready = findCondition(conditions, READY);
  const isOld = ready?.observedGeneration !== undefined && ready.observedGeneration !== generation;
  if (!ready || isOld) return { state: 'pending', detail: 'is about to run' };
  const { message: detail } = ready;
  if (ready.status === 'True') return { state: 'ok', detail };
  return { state: findCondition(conditions, STALLED)?.status === 'True' ? 'failed' : 'waiting', detail };
}

const byName = <T extends { metadata: { name: string } }>(items: readonly T[]) =>
  items.toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
