/** Many platforms at once on a real API server, with pods that are ready as soon as they exist: what the operator itself takes. */
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Progress } from '@orderplane/hack/progress.ts';
import { OrderPlatforms } from '../operator/api/v1alpha1/index.ts';
import { damagesOf, repairTime } from '../operator/controllers/faults/damage.ts';
import { startTestCluster, type TestCluster } from '../operator/controllers/testing/cluster.ts';
import { platformsOf, ULTRALIGHT } from '../operator/controllers/testing/platforms.ts';
import { startWorld } from '../operator/controllers/testing/world.ts';
import { createManager, isConditionTrue, Services, silentLogger, type Service } from '../operator/runtime/index.ts';
import { applyCeiling, objectsOfOnePlatform } from './apply-ceiling.ts';
import { countWrites, totalOf, type WriteCounts } from './audit.ts';
import { figureLine, latencyLine } from './figures.ts';
import { startOperatorProcess, type OperatorProcess } from './operator-process.ts';
import { startStubWorkloads } from './stub-workloads.ts';

const PLATFORMS = 100;
const OPERATOR_AGENT = 'orderplane-operator/';
/** After the last one is Ready, until nothing of it is under way any more. */
const SETTLE_MS = 15_000;
const IDLE_MS = 30_000;
const GIVE_UP_MS = 600_000;

export async function benchPlatforms(report: Progress): Promise<void> {
  const { objects, rates, before } = await onCluster(report);
  // Once more, by itself: how fast a machine is may change within minutes.
  const after = await applyCeiling(objects, PLATFORMS);
  const ceiling = (before + after) / 2;
  console.log(
    figureLine('bare applies of the same objects, before and after', `${before.toFixed(0)}/s, ${after.toFixed(0)}/s`),
  );
  for (const [whose, rate] of Object.entries(rates))
    console.log(
      figureLine(`${whose} writes`, `${rate.toFixed(0)}/s, ${((100 * rate) / ceiling).toFixed(0)} % of their mean`),
    );
}

async function onCluster(report: Progress) {
  const cluster = await startTestCluster({ controllerManager: false });
  const workloads = await startStubWorkloads(cluster.client);
  try {
    return await measured(cluster, report);
  } finally {
    await workloads.stop();
    await cluster.stop();
  }
}

async function measured(cluster: TestCluster, report: Progress) {
  const objects = await objectsOfOnePlatform(cluster);
  const before = await applyCeiling(objects, PLATFORMS);
  const namespaces: string[] = [];
  while (namespaces.length < PLATFORMS) namespaces.push(await cluster.namespace());
  const { operatorKubeconfig: kubeconfig } = cluster;
  const operator = await startOperatorProcess({ kubeconfig, folder: dirname(kubeconfig) }, report);
  try {
    const rates = await bringUp(cluster, namespaces, objects.length);
    await delay(SETTLE_MS);
    await idle(cluster, operator);
    console.log(latencyLine('a Service edited → put right', await repairTimes(cluster, namespaces)));
    const { now, most } = await operator.memory();
    console.log(figureLine("the operator's memory", `${now.toFixed(0)} MiB, at most ${most.toFixed(0)} MiB`));
    return { objects, rates, before };
  } finally {
    await operator.stop();
  }
}

/** Brings all up; whose writes the API server took meanwhile, a second. */
async function bringUp(cluster: TestCluster, namespaces: readonly string[], objects: number): Promise<Record<string, number>> {
  const before = await writesSoFar(cluster);
  const seconds = await converge(cluster, namespaces);
  const { operator, everybody, reads } = difference(await writesSoFar(cluster), before);
  const each = (count: number) => (count / namespaces.length).toFixed(1);
  console.log(figureLine(`${namespaces.length} platforms created → all Ready`, `${seconds.toFixed(1)} s`));
  const parts = [
    `${each(operator.created)} creates (of ${objects} objects)`,
    `${each(operator.statuses)} statuses`,
    `${each(operator.changed)} changes`,
    `${each(operator.deleted)} deletes`,
    `${each(operator.events)} events`,
  ];
  console.log(figureLine("the operator's writes for one", `${each(totalOf(operator))}: ${parts.join(', ')}`));
  console.log(figureLine("the operator's reads for one", each(reads)));
  return { "the operator's": totalOf(operator) / seconds, "everybody's": totalOf(everybody) / seconds };
} // prettier-ignore

async function idle(cluster: TestCluster, operator: OperatorProcess): Promise<void> {
  const before = await writesSoFar(cluster);
  const cpu = await operator.cpuSeconds();
  await delay(IDLE_MS);
  const share = ((await operator.cpuSeconds()) - cpu) / (IDLE_MS / 1000);
  const writes = totalOf(difference(await writesSoFar(cluster), before).operator);
  console.log(figureLine('steady', `${(share * 100).toFixed(1)} % of a core, ${writes} writes in ${IDLE_MS / 1000} s`));
}

/** Creates a platform in each namespace; how many seconds it takes until the last one is Ready. */
async function converge(cluster: TestCluster, namespaces: readonly string[]): Promise<number> {
  const stop = new AbortController();
  const manager = createManager({ client: cluster.client.sibling(), log: silentLogger, name: 'bench' });
  const informer = manager.informer(OrderPlatforms);
  const waiting = new Set(namespaces);
  const { promise: allReady, resolve, reject } = Promise.withResolvers<void>();
  informer.addHandler(({ type, object: { metadata, status } }) => {
    if (type === 'delete' || !isConditionTrue(status?.conditions, 'Ready')) return;
    waiting.delete(metadata.namespace ?? '');
    if (waiting.size === 0) resolve();
  });
  const running = manager.run(stop.signal);
  const timer = setTimeout(() => reject(new Error(`not Ready: ${[...waiting].join(', ')}`)), GIVE_UP_MS);
  try {
    await informer.synced();
    const started = performance.now();
    await Promise.all(namespaces.map((namespace) => platformsOf(cluster).create(namespace, ULTRALIGHT)));
    await allReady;
    return (performance.now() - started) / 1000;
  } finally {
    clearTimeout(timer);
    stop.abort();
    await running;
  }
}

/** One edit a platform, one after the other; how long each took to be put right, in milliseconds. */
async function repairTimes(cluster: TestCluster, namespaces: readonly string[]): Promise<number[]> {
  const world = await startWorld(cluster.client);
  const times: number[] = [];
  for (const namespace of namespaces) {
    const object = world.get<Service>('Service', namespace, 'shop-orders');
    const [edit] = object ? damagesOf(object) : [];
    if (!object || !edit) throw new Error(`no Service shop-orders in ${namespace}`);
    times.push(await repairTime(cluster.client, world, edit, { resource: Services, object }));
  }
  await world.stop();
  return times;
}

interface Writes {
  /** Of the operator. */
  reads: number;
  operator: WriteCounts;
  everybody: WriteCounts;
}

async function writesSoFar({ auditLogPath }: TestCluster): Promise<Writes> {
  const { theirs, all, theirReads } = await countWrites(auditLogPath, OPERATOR_AGENT);
  return { operator: theirs, everybody: all, reads: theirReads };
}

function difference(now: Writes, before: Writes): Writes {
  const less = (a: WriteCounts, b: WriteCounts): WriteCounts => ({
    created: a.created - b.created,
    statuses: a.statuses - b.statuses,
    changed: a.changed - b.changed,
    deleted: a.deleted - b.deleted,
    events: a.events - b.events,
  });
  return {
    operator: less(now.operator, before.operator),
    everybody: less(now.everybody, before.everybody),
    reads: now.reads - before.reads,
  };
}
