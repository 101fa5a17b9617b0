/**
 * From one release to the next, to one whose migration fails, and back, while customers order: no read fails, and no order but for the time
 * that a migration locks what they write to.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  Migrations,
  OrderPlatforms,
  type Migration,
  type OrderPlatform,
} from '@orderplane/operator/api/v1alpha1/index.ts';
import { RELEASE } from '@orderplane/operator/resources/release-images.ts';
import { Pods, type Pod } from '@orderplane/operator/runtime/index.ts';
import { figure, openCluster } from '../harness/cluster.ts';
import { conditionOf, holds } from '../harness/conditions.ts';
import { inFigures, keepBusy, type NotedRequest } from '../harness/load.ts';
import { FAILING_RELEASE, SLOW_RELEASE } from '../harness/next-releases.ts';
import { documentsPerOrder } from '../harness/orders.ts';
import { applyUltralight, SERVICES, testNamespace, type PlatformHandle } from '../harness/platform.ts';
import { connectMongo, connectPostgres } from '../harness/stores.ts';
import { waitForObject, waitForObjects } from '../harness/watching.ts';

const PER_SECOND = 12;
/** A request that is under way when the lock comes waits for it, and so does one that comes a moment before. */
const SLACK_MS = 500;

const cluster = await openCluster();
const namespace = await testNamespace(cluster, 'release');
let platform: PlatformHandle;

beforeAll(async () => {
  platform = await applyUltralight(cluster, { namespace, name: 'grow' });
  await platform.waitReady();
}, 240_000);

afterAll(async () => {
  await cluster.dropNamespace(namespace);
  await cluster.close();
});

const key = () => ({ namespace, name: platform.name });
const edit = (version: string) => cluster.client.mergePatch(OrderPlatforms, key(), { spec: { version } });
const ordersMigration = async () =>
  (await cluster.client.get(Migrations, { namespace, name: `${platform.name}-orders` })) as Migration;

const uids = async () => (await platform.pods(SERVICES)).map(({ metadata }) => metadata.uid).sort();

function podsOfServices<A>(ask: (pods: readonly Pod[]) => A | false | Promise<A | false>, what: string): Promise<A> {
  const labelSelector = `orderplane.dev/platform=${platform.name},${SERVICES}`;
  return waitForObjects(cluster.client, Pods, { namespace, labelSelector }, ask, { timeoutMs: 180_000, what });
}

/** Ready for the version that its spec names, and the pods that had to go are gone. */
async function runs(version: string): Promise<void> {
  const isReady = (found: OrderPlatform | undefined) => holds(found, 'Ready') && found?.status?.version === version;
  await waitForObject(cluster.client, OrderPlatforms, key(), isReady, { timeoutMs: 180_000, what: `readiness at release ${version}` });
  await podsOfServices((pods) => pods.every(({ metadata }) => !metadata.deletionTimestamp), 'the end of the former pods');
} // prettier-ignore

/** Of the services' pods when a request failed for the first time; not awaited before somebody wants to know. */
let words: Promise<string> | undefined;

/** Everything that customers asked for while the work went on. */
async function whileBusy(work: () => Promise<void>): Promise<NotedRequest[]> {
  const stop = new AbortController();
  words = undefined;
  const load = keepBusy(await platform.gatewayUrl(), PER_SECOND, stop.signal, () => {
    words ??= platform.lastWords().catch(String);
  });
  await work().finally(() => stop.abort());
  const requests = await load;
  for (const kind of ['products', 'orders', 'order'] as const) {
    const what = kind === 'order' ? 'placing orders' : `reading ${kind}`;
    figure(what, inFigures(requests.filter((each) => each.kind === kind)));
  }
  return requests;
}

async function expectAnswered(requests: readonly NotedRequest[]): Promise<void> {
  const failures = requests.filter(({ error }) => error !== undefined);
  if (words && failures.length > 0) figure('at the first failure', await words);
  expect(failures).toEqual([]);
}

async function expectEveryOrderOnce(requests: readonly NotedRequest[]): Promise<void> {
  const placed = requests.flatMap(({ order }) => order ?? []);
  expect(placed.length).toBeGreaterThan(PER_SECOND);
  await using mongo = await connectMongo(platform);
  const documents = await documentsPerOrder(mongo, placed, 60_000);
  expect([...documents.values()].filter((count) => count !== 1)).toEqual([]);
}

/** When a migration had the events for itself, by performance.now(). */
async function watchLock(until: AbortSignal): Promise<{ from: number; to: number }> {
  await using postgres = await connectPostgres(platform, { database: 'orders' });
  const query = `select from pg_locks where relation = 'events'::regclass and mode = 'AccessExclusiveLock' and granted`;
  let [from, to] = [Infinity, -Infinity];
  while (!until.aborted) {
    const askedAt = performance.now();
    if ((await postgres.query(query)).rowCount) [from, to] = [Math.min(from, askedAt), performance.now()];
    await delay(20);
  }
  return { from, to };
}

test('a release with a migration of 30 s comes while customers order, and its pods after the migration', async () => {
  const before = await uids();
  const isNew = ({ metadata }: Pod) => !before.includes(metadata.uid);
  const upgrade = async () => {
    const edited = performance.now();
    const [migration] = await Promise.all([
      podsOfServices(
        async (pods) => pods.some(isNew) && (await ordersMigration()),
        'the first pod of the next release',
      ),
      edit(SLOW_RELEASE),
    ]);
    expect([holds(migration, 'Ready'), migration.status?.currentVersion]).toEqual([true, '9001']);
    expect(performance.now() - edited).toBeGreaterThan(30_000);
    await runs(SLOW_RELEASE);
    const seconds = (performance.now() - edited) / 1000;
    figure('spec.version → Ready and old pods gone, 30 s of them the migration', `${seconds.toFixed(1)} s`);
  };
  const done = new AbortController();
  const [requests, lock] = await Promise.all([whileBusy(upgrade).finally(() => done.abort()), watchLock(done.signal)]);
  const isDelayed = ({ kind, startedAt, ms }: NotedRequest) =>
    kind === 'order' && startedAt < lock.to + SLACK_MS && startedAt + ms > lock.from - SLACK_MS;
  const delayed = requests.filter(isDelayed);
  figure('lock on the events', `${Math.round(lock.to - lock.from)} ms; orders meanwhile: ${inFigures(delayed)}`);
  await expectAnswered(requests.filter((each) => !isDelayed(each)));
  expect(lock.to - lock.from).toBeGreaterThan(2_000);
  expect(Math.max(...delayed.map(({ ms }) => ms))).toBeGreaterThan(1_000);
  // The storefront of the next release is that of this one.
  const kept = (await platform.pods(SERVICES)).filter((pod) => !isNew(pod));
  expect(kept.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/name'])).toEqual(['storefront']);
  await expectEveryOrderOnce(requests);
}, 300_000);

test('a release whose migration fails leaves the old one serving, says why, and is undone by one edit', async () => {
  const before = await uids();
  const cause = /9002_events_source\.up\.sql:3: column "note" of relation "events" already exists/;
  const requests = await whileBusy(async () => {
    await edit(FAILING_RELEASE);
    const hasFailed = (found: OrderPlatform | undefined) =>
      conditionOf(found, 'Stalled')?.reason === 'StatementFailed' && found;
    const what = 'the failure of the migration';
    const failed = await waitForObject(cluster.client, OrderPlatforms, key(), hasFailed, { timeoutMs: 120_000, what });
    expect(conditionOf(failed, 'Ready')?.message).toMatch(cause);
    const { code, stdout } = await cluster.orderplane(['why', platform.name, '-n', namespace]);
    expect([code, stdout.split('\n')[2]]).toEqual([2, expect.stringMatching(cause)]);
    expect((await ordersMigration()).status?.currentVersion).toBe('9001');
    await edit(SLOW_RELEASE);
    await runs(SLOW_RELEASE);
  });
  await expectAnswered(requests);
  expect(await uids()).toEqual(before);
  await expectEveryOrderOnce(requests);
}, 240_000);

test('the release before comes back by one edit, and is Ready on the newer schema', async () => {
  const before = await uids();
  const requests = await whileBusy(async () => {
    await edit(RELEASE);
    await runs(RELEASE);
  });
  await expectAnswered(requests);
  const migration = await ordersMigration();
  expect([conditionOf(migration, 'Ready')?.reason, migration.status?.currentVersion]).toEqual(['Ahead', '9001']);
  expect((await uids()).filter((uid) => before.includes(uid))).toHaveLength(1);
  await expectEveryOrderOnce(requests);
}, 240_000);
