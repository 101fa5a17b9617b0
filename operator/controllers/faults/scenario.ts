/** A platform's life, with an operator of its own, which dies or loses an answer at one of its writes. */
import { OrderPlatforms, SeedJobs, type OrderPlatform, type SeedJob } from '../../api/v1alpha1/index.ts';
import { isConditionTrue, type KubeObject } from '../../runtime/index.ts';
import { stableName, type Fault, type Write } from '../testing/api-gate.ts';
import type { TestCluster } from '../testing/cluster.ts';
import { snapshotDifferences, snapshotOf, type Snapshot } from '../testing/normalise.ts';
import { VOLUME } from '../testing/platforms.ts';
import type { World } from '../testing/world.ts';
import { startMortalOperator } from './mortal-operator.ts';

/** What a life came to: what there was after each chapter, and how often each object was created and deleted. */
export interface Life {
  snapshots: Record<Chapter, Snapshot>;
  /** `created services shop-orders`, `deleted deployments shop-orders`, as often as it happened. */
  counts: Record<string, number>;
  writes: Write[];
  /** Whether the fault found the write that it was meant for. */
  hasStruck: boolean;
}

type Chapter = 'up' | 'changed' | 'deleted';
type Spec = OrderPlatform['spec'];

const UP: Spec = {
  stores: { postgres: VOLUME },
  broker: { nats: VOLUME },
  services: [
    { name: 'inventory' },
    { name: 'reports', image: 'registry.example/reports:1', port: 9000, needs: [{ postgres: { database: 'reports', access: 'Owner' } }, { broker: { consume: ['order_created'] } }], requires: [{ seed: 'products' }] },
  ],
}; // prettier-ignore

/** Another size, another image, a service less, one more, a need less: every way in which objects change, come and go. */
const CHANGED: Spec = {
  ...UP,
  profile: 'staging',
  services: [
    { name: 'reports', image: 'registry.example/reports:2', port: 9001, env: [{ name: 'REGION', value: 'eu' }], needs: [{ postgres: { database: 'reports', access: 'ReadOnly' } }] },
    { name: 'extra', image: 'registry.example/extra:1', needs: [{ service: { name: 'reports' } }] },
  ],
}; // prettier-ignore

const seed = (namespace: string, revision: string): SeedJob => ({
  apiVersion: 'orderplane.dev/v1alpha1',
  kind: 'SeedJob',
  metadata: { name: 'products', namespace },
  spec: {
    platformRef: { name: 'shop' },
    revision,
    datasets: [{ name: 'templates', engine: 'postgres', database: 'reports', table: 'templates', key: ['id'], mode: 'Upsert', rows: [{ id: 'p1' }] }],
  },
}); // prettier-ignore

export interface Stage {
  cluster: TestCluster;
  world: World;
}

/** Lives a life without a fault: what the others are held to. Lives it twice, so that what is not the same every time shows here. */
export async function undisturbedLife(stage: Stage): Promise<Life> {
  const life = await live(stage, undefined, undefined);
  await live(stage, undefined, life);
  return life;
}

/** Lives a life with a fault, and throws where it differs from the undisturbed one. */
export async function live({ cluster, world }: Stage, fault: Fault | undefined, model: Life | undefined): Promise<Life> {
  const namespace = await cluster.namespace();
  const writes: Write[] = [];
  const operator = await startMortalOperator(cluster, namespace, writes, fault);
  const apply = async (spec: Spec, revision: string) => {
    const metadata = { name: 'shop', namespace };
    await cluster.client.apply(OrderPlatforms, { metadata, spec }, { fieldManager: 'user' });
    await cluster.client.apply(SeedJobs, seed(namespace, revision), { fieldManager: 'user' });
  };
  const chapter = async (name: Chapter, isOver: () => boolean) => {
    const snapshot = () => settled(world, namespace, `${name}, ${titleOf(fault)}`, isOver, model?.snapshots[name]);
    if (model) return snapshot();
    await snapshot();
    await operator.idle();
    return snapshot();
  };
  try {
    await apply(UP, 'one');
    const up = await chapter('up', () => isReady(world, namespace));
    await apply(CHANGED, 'two');
    const changed = await chapter('changed', () => isReady(world, namespace) && !world.get('Deployment', namespace, 'shop-inventory'));
    await cluster.client.delete(SeedJobs, { namespace, name: 'products' });
    await cluster.client.delete(OrderPlatforms, { namespace, name: 'shop' });
    const deleted = await chapter('deleted', () => isGone(world, namespace));
    const life = { snapshots: { up, changed, deleted }, counts: countsOf(writes), writes, hasStruck: operator.hasStruck() };
    const odd = model ? snapshotDifferences(life.counts, model.counts) : [];
    if (odd.length > 0) throw new Error(`${titleOf(fault)}: other creates and deletes:\n${odd.join('\n')}`);
    return life;
  } finally {
    await operator.end();
  }
} // prettier-ignore

/** Lives a life for each fault, a few at a time; tells of each as it ends, with what was wrong. */
export async function liveThrough(
  stage: Stage,
  model: Life,
  faults: readonly Fault[],
  { atOnce = 4, onEnd }: { atOnce?: number; onEnd: (fault: Fault, end: { hasStruck: boolean; message?: string }) => void },
): Promise<void> {
  const left = [...faults];
  const worker = async () => {
    for (let fault = left.shift(); fault; fault = left.shift()) {
      const end = await live(stage, fault, model).catch(({ message }: Error) => ({ hasStruck: true, message }));
      onEnd(fault, end);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
} // prettier-ignore

/** Every fault there is in a life, in the order of its writes. */
export function faultsOf({ writes }: Life): Fault[] {
  const seen = new Map<string, number>();
  return writes.flatMap(({ id }) => {
    const occurrence = (seen.get(id) ?? 0) + 1;
    seen.set(id, occurrence);
    return (['diesBefore', 'diesAfter', 'losesAnswer'] as const).map((kind) => ({ at: id, occurrence, kind }));
  });
}

const WORDS: Record<Fault['kind'], string> = {
  diesBefore: 'killed before',
  diesAfter: 'killed after',
  losesAnswer: 'without the answer to',
};

export function titleOf(fault: Fault | undefined): string {
  if (!fault) return 'undisturbed';
  return `${WORDS[fault.kind]} ${fault.at}${fault.occurrence > 1 ? ` (time ${fault.occurrence})` : ''}`;
}

/** What a namespace is like when a chapter is over; with a model, once it is like that, with the differences if it never is. */
async function settled(world: World, namespace: string, what: string, isOver: () => boolean, model?: Snapshot) {
  let last: Snapshot = {};
  const look = () => {
    if (!isOver()) return undefined;
    last = snapshotOf(world.objects(namespace));
    return !model || snapshotDifferences(last, model).length === 0 ? last : undefined;
  };
  return world.until(namespace, what, look, () =>
    isOver() ? snapshotDifferences(last, model).join('\n') : statuses(world, namespace),
  );
}

type Conditioned = KubeObject & { status?: OrderPlatform['status'] };

/** Ready for what they are now, with no pod too many left over from a rollout. */
function isReady(world: World, namespace: string): boolean {
  const objects = [world.get<Conditioned>('OrderPlatform', namespace, 'shop'), world.get<Conditioned>('SeedJob', namespace, 'products')];
  return objects.every((object) => {
    const { status, metadata } = object ?? {};
    const isCurrent = status?.observedGeneration === metadata?.generation;
    const isWhole = (status?.components ?? []).every(({ ready, desired }) => ready === desired);
    return isConditionTrue(status?.conditions, 'Ready') && isCurrent && isWhole;
  });
} // prettier-ignore

function isGone(world: World, namespace: string): boolean {
  return !world.get('OrderPlatform', namespace, 'shop') && !world.get('SeedJob', namespace, 'products');
}

function statuses(world: World, namespace: string): string {
  const own = world.objects(namespace).filter(({ apiVersion }) => apiVersion?.startsWith('orderplane.dev/'));
  const lines = own.map(({ kind, metadata, status }: Conditioned) => `${kind} ${metadata.name}: ${JSON.stringify(status)}`);
  return [...lines, ...world.objects(namespace).map(({ kind, metadata }) => `${kind} ${metadata.name}`)].join('\n');
} // prettier-ignore

function countsOf(writes: readonly Write[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { verb, resource, name, status, id } of writes) {
    const isCreated = status === 201;
    // Whether the operator or garbage collection comes first to the Jobs of what is going, is chance.
    if (!isCreated && (verb !== 'delete' || status >= 300 || resource === 'jobs')) continue;
    const key = isCreated ? `created ${resource} ${stableName(name || id)}` : `deleted ${resource} ${stableName(name)}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
