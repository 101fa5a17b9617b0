/** From one spec to another: what there is after must be what a fresh platform of the second would have. */
import { Migrations, OrderPlatforms, SeedJobs, type OrderPlatform } from '../../api/v1alpha1/index.ts';
import { isConditionTrue, isInvalid, Secrets, type KubeObject, type Secret } from '../../runtime/index.ts';
import type { RunningOperator, TestCluster } from '../testing/cluster.ts';
import { snapshotDifferences, snapshotOf, type Snapshot } from '../testing/normalise.ts';
import type { World } from '../testing/world.ts';
import { EXTERNAL_SECRET, SPECS, type Spec } from './specs.ts';

export interface Stage {
  cluster: TestCluster;
  world: World;
}

const USER = { fieldManager: 'user' };

/** Makes a namespace what a spec says, as a user would who applies manifests and prunes what is in them no more. */
async function applySpec(
  { cluster: { client }, world }: Stage,
  namespace: string,
  spec: Spec,
  as = USER,
): Promise<void> {
  const metadata = (name: string) => ({ name, namespace });
  await client.apply(OrderPlatforms, { metadata: metadata('shop'), spec: spec.platform }, as);
  for (const [resource, wanted] of [[Migrations, spec.migration], [SeedJobs, spec.seed]] as const) {
    if (wanted) await client.apply(resource as typeof SeedJobs, { metadata: metadata('extra'), spec: wanted as never }, as);
    else if (world.get(resource.kind, namespace, 'extra')) await client.delete(resource, metadata('extra'));
  }
} // prettier-ignore

/** A namespace with what every spec may count on. */
async function newNamespace({ cluster }: Stage): Promise<string> {
  const namespace = await cluster.namespace();
  const { name, uri } = EXTERNAL_SECRET;
  await cluster.client.create(Secrets, { metadata: { name, namespace }, stringData: { uri } } as Secret);
  return namespace;
}

/** Whether the API server lets one follow the other; what it refuses is no transition. */
async function mayFollow({ cluster }: Stage, namespace: string, { platform }: Spec): Promise<boolean> {
  const object = { metadata: { name: 'shop', namespace }, spec: platform };
  return cluster.client.apply(OrderPlatforms, object, { ...USER, dryRun: true }).then(
    () => true,
    (error: unknown) => {
      if (isInvalid(error)) return false;
      throw error;
    },
  );
}

/** Waits until everything is ready for what it is now. */
function converged({ world }: Stage, namespace: string, what: string): Promise<true> {
  return world.until(namespace, what, () => isConverged(world, namespace), () => statuses(world, namespace));
} // prettier-ignore

/** Waits until a namespace is like one in which the spec was never another; fails with where it differs. */
async function becomesLike(stage: Stage, namespace: string, what: string, fresh: Snapshot): Promise<void> {
  const { world } = stage;
  await converged(stage, namespace, what);
  const odd = () => snapshotDifferences(withoutPast(comparable(world, namespace), fresh), fresh);
  await world.until(namespace, what, () => odd().length === 0, () => odd().join('\n'));
} // prettier-ignore

type Conditioned = KubeObject & { status?: OrderPlatform['status'] };

function isConverged(world: World, namespace: string): true | undefined {
  const own = world.objects(namespace).filter(({ apiVersion }) => apiVersion?.startsWith('orderplane.dev/'));
  const isDone = own.every(({ metadata, status }: Conditioned) => {
    const isWhole = (status?.components ?? []).every(({ ready, desired }) => ready === desired);
    const isCurrent = status?.observedGeneration === metadata.generation && !metadata.deletionTimestamp;
    return isCurrent && isWhole && isConditionTrue(status?.conditions, 'Ready');
  });
  return isDone || undefined;
}

function statuses(world: World, namespace: string): string {
  const own = world.objects(namespace).filter(({ apiVersion }) => apiVersion?.startsWith('orderplane.dev/'));
  return own
    .map(({ kind, metadata, status }: Conditioned) => `${kind} ${metadata.name}: ${JSON.stringify(status)}`)
    .join('\n');
}

const RUN_LABEL = 'orderplane.dev/run';

/** What is there, with only the newest run of each Job, and without the records of templates: they tell the way, not where it led. */
function comparable(world: World, namespace: string): Snapshot {
  const objects = world.objects(namespace).filter(({ kind }) => kind !== 'ControllerRevision');
  const runOf = ({ kind, metadata }: KubeObject) =>
    `${kind} ${metadata.ownerReferences?.[0]?.uid} ${metadata.labels?.['orderplane.dev/run-of']}`;
  const numberOf = ({ metadata }: KubeObject) => Number(metadata.labels?.[RUN_LABEL] ?? 0);
  const isOld = (object: KubeObject) =>
    objects.some((other) => runOf(other) === runOf(object) && numberOf(other) > numberOf(object));
  const newest = objects.filter((object) => !(RUN_LABEL in (object.metadata.labels ?? {})) || !isOld(object));
  return JSON.parse(
    JSON.stringify(snapshotOf(newest)).replaceAll(/-#-\d+/g, '-#-n').replaceAll(/"(number|orderplane\.dev\/run)":"?\d+"?/g, '"$1":"n"'),
    inAnyOrder,
  ) as Snapshot;
} // prettier-ignore

/** Conditions are told apart by their type, and stand in the order in which they were first known; of a seed's runs only the newest counts. */
function inAnyOrder(field: string, value: unknown): unknown {
  // A need that is added to a running service has a role ended that never was: that is the way, too.
  if (field === 'ended' || field === 'orderplane.dev/rotation-step') return undefined;
  if (!Array.isArray(value)) return value;
  if (field === 'conditions') return value.toSorted((a, b) => (a.type < b.type ? -1 : 1));
  if (field !== 'runs') return value;
  return value[0]?.name === undefined ? value.slice(0, 1) : value.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What is kept on purpose of what was there before: credentials, Jobs that have run, and what the status remembers of them. */
function withoutPast(actual: Snapshot, fresh: Snapshot): Snapshot {
  const kept = Object.entries(actual).filter(([id]) => id in fresh || !isMemory(id, actual[id] as KubeObject));
  const shop = structuredClone(actual['OrderPlatform/shop']) as Conditioned;
  const purposes = new Set(runsOf(fresh['OrderPlatform/shop']).map(({ name }) => name));
  const runs = runsOf(shop).filter(({ name }) => purposes.has(name));
  if (runs.length > 0) Object.assign(shop.status ?? {}, { runs });
  else delete shop.status?.runs;
  return { ...Object.fromEntries(kept), 'OrderPlatform/shop': shop };
}

function isMemory(id: string, { metadata }: KubeObject): boolean {
  if (RUN_LABEL in (metadata.labels ?? {})) return true;
  return id.startsWith('Secret/') && !metadata.ownerReferences;
}

function runsOf(shop: unknown): { name: string }[] {
  return (shop as Conditioned).status?.runs ?? [];
}

/** A platform that never was anything else, and what there is of it. */
export interface Fresh {
  namespace: string;
  snapshot: Snapshot;
}

/** One platform for each spec, by its name. */
export async function freshPlatforms(stage: Stage, operator: Pick<RunningOperator, 'idle'>): Promise<Map<string, Fresh>> {
  const namespaces = new Map<string, string>();
  await inParallel(Object.entries(SPECS), async ([name, spec]) => {
    const namespace = await newNamespace(stage);
    namespaces.set(name, namespace);
    await applySpec(stage, namespace, spec);
    await converged(stage, namespace, `a fresh platform: ${name}`);
  });
  await operator.idle();
  const found = Array.from(namespaces, ([name, namespace]) => [name, { namespace, snapshot: comparable(stage.world, namespace) }] as const);
  return new Map(found);
} // prettier-ignore

/** Applies each spec again where it is, as a GitOps controller does with its manifests. */
export async function syncAll(stage: Stage, fresh: ReadonlyMap<string, Fresh>): Promise<void> {
  const argo = { fieldManager: 'argocd-controller' };
  await inParallel([...fresh], ([name, { namespace }]) => applySpec(stage, namespace, SPECS[name]!, argo));
}

/** Pairs of specs that may follow each other both ways, by the API server's own word. */
export async function legalPairs(stage: Stage, fresh: ReadonlyMap<string, Fresh>): Promise<[string, string][]> {
  const names = Object.keys(SPECS);
  const pairs: [string, string][] = [];
  for (const [i, from] of names.entries()) {
    for (const to of names.slice(i + 1)) {
      const there = await mayFollow(stage, fresh.get(from)!.namespace, SPECS[to]!);
      if (there && (await mayFollow(stage, fresh.get(to)!.namespace, SPECS[from]!))) pairs.push([from, to]);
    }
  }
  return pairs;
}

/** There and back, for each pair; tells of each as it ends, with what was wrong. */
export async function thereAndBack(
  stage: Stage,
  fresh: ReadonlyMap<string, Fresh>,
  pairs: readonly [string, string][],
  onEnd: (title: string, wrong: string | undefined) => void,
): Promise<void> {
  await inParallel(pairs, async ([from, to]) => {
    const walk = async () => {
      const namespace = await newNamespace(stage);
      await applySpec(stage, namespace, SPECS[from]!);
      await converged(stage, namespace, from);
      for (const [before, after] of [[from, to], [to, from]] as const) {
        await applySpec(stage, namespace, SPECS[after]!);
        await becomesLike(stage, namespace, `from "${before}" to "${after}"`, fresh.get(after)!.snapshot);
      }
    };
    onEnd(titleOfPair([from, to]), await walk().then(() => undefined, (error: Error) => error.message));
  });
} // prettier-ignore

export function titleOfPair([from, to]: readonly [string, string]): string {
  return `"${from}" and "${to}"`;
}

const AT_ONCE = 4;

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
