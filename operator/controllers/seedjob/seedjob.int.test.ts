import { describe, expect, test } from '@jest/globals';
import { SeedJobs, type SeedJob } from '../../api/v1alpha1/index.ts';
import { REQUESTED_AT } from '../../resources/labels.ts';
import {
  ConfigMaps,
  findCondition,
  Jobs,
  PersistentVolumeClaims,
  realClock,
  type Clock,
  type ConfigMap,
  type PersistentVolumeClaim,
} from '../../runtime/index.ts';
import { type OperatorOptions, type RunningOperator, type TestCluster } from '../testing/cluster.ts';
import { eventually } from '../testing/eventually.ts';
import { VOLUME } from '../testing/platforms.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';

const { cluster, platforms } = await sharedCluster();

const ROWS = [{ id: 'p1', name: 'Widget', price: 199 }];
const DATASET = {
  name: 'products',
  engine: 'postgres',
  database: 'inventory',
  table: 'products',
  key: ['id'],
  mode: 'Upsert',
  rows: ROWS,
} as const;
const SPEC = { platformRef: { name: 'shop' }, datasets: [{ ...DATASET, key: ['id'], rows: ROWS }] } satisfies SeedJob['spec']; // prettier-ignore

type Counts = { inserted: number; updated: number; skipped: number; deleted: number };
const counting = (counts: Partial<Counts>) => ({
  kind: 'result' as const,
  result: { ok: true, datasets: [{ name: 'products', inserted: 0, updated: 0, skipped: 0, deleted: 0, ...counts }] },
});
const failing = (message: string) => ({
  kind: 'result' as const,
  result: { ok: false, reason: 'SeedRejected', message },
});

/** A platform in a namespace of its own, with an operator that sees nothing else, and a SeedJob of a name that no other test has. */
async function shop(name: string, clock?: Clock) {
  const namespace = await cluster.namespace();
  const key = { namespace, name };
  const options: OperatorOptions = { namespaces: [namespace], ...(clock && { clock }) };
  let operator: RunningOperator = cluster.startOperator({}, undefined, options);
  await platforms.create(namespace, { stores: { postgres: VOLUME }, broker: { nats: VOLUME }, services: [{ name: 'inventory' }] });
  await platforms.ready(namespace);
  const read = async () => (await cluster.client.get(SeedJobs, key)) as SeedJob;
  const condition = async (type: string) => findCondition((await read()).status?.conditions, type);
  return {
    namespace,
    key,
    read,
    condition,
    create: (spec: object = {}) => cluster.client.create(SeedJobs, { metadata: key, spec: { ...SPEC, ...spec } }),
    edit: (patch: object) => cluster.client.mergePatch(SeedJobs, key, patch),
    behave: (behaviour: Parameters<TestCluster['kubelet']['behave']>[1]) =>
      cluster.kubelet.behave(new RegExp(`^${name}-seed`), behaviour),
    /** The runs, oldest first. */
    runs: async () => ((await read()).status?.runs ?? []).toReversed(),
    jobs: async () => (await cluster.client.list(Jobs, { namespace })).items.filter(({ metadata }) => metadata.name.startsWith(`${name}-seed`)),
    /** Waits until a condition is as wanted for what the SeedJob is now. */
    becomes: (type: string, wanted: { status: string; reason?: string }) =>
      eventually(`${type} of ${name} is ${JSON.stringify(wanted)}`, async () => {
        const { metadata, status } = await read();
        const found = findCondition(status?.conditions, type);
        const isSo = found?.status === wanted.status && (!wanted.reason || found.reason === wanted.reason);
        return isSo && found.observedGeneration === metadata.generation && found;
      }, async () => (await read()).status),
    hasRun: (count: number) =>
      eventually(`${name} has run ${count} times`, async () => ((await read()).status?.runs?.length ?? 0) === count, read),
    idle: () => operator.idle(),
    /** Starts another operator in place of this one: later, or of another version. */
    async restart({ later, image }: { later?: Clock; image?: string } = {}) {
      await operator.kill();
      operator = cluster.startOperator(image ? { operator: image } : {}, undefined, { ...options, ...(later && { clock: later }) });
      await operator.idle();
    },
  };
} // prettier-ignore

const HOUR_MS = 3_600_000;
const ahead = (ms: number): Clock => ({ ...realClock, now: () => new Date(Date.now() + ms) });
const hourBefore = (clock: Clock) => new Date(Math.floor(clock.now().getTime() / HOUR_MS) * HOUR_MS);
const kubeTime = (date: Date) => date.toISOString().replace('.000', '');

describe('a SeedJob', () => {
  test('runs once, again when it is edited, and never otherwise', async () => {
    const seed = await shop('edited');
    const desired = { apiVersion: 'orderplane.dev/v1alpha1', kind: 'SeedJob', metadata: seed.key, spec: { ...SPEC, after: [{ migration: 'shop-inventory' }] } };
    await cluster.client.apply(SeedJobs, desired);
    await platforms.becomes(seed.namespace, 'SeedsApplied', { status: 'True', reason: 'Applied' });
    expect(await seed.runs()).toMatchObject([{ number: 1, trigger: 'Spec', outcome: 'Succeeded', datasets: [{ inserted: 1, deleted: 0 }] }]);

    await seed.behave(counting({ updated: 1 }));
    await seed.edit({ spec: { datasets: [{ ...DATASET, rows: [{ ...ROWS[0], price: 200 }] }] } });
    await seed.hasRun(2);
    await seed.edit({ spec: { datasets: [DATASET] } });
    await seed.hasRun(3);
    await seed.becomes('Ready', { status: 'True', reason: 'Applied' });
    await seed.idle();
    expect(await seed.runs()).toMatchObject([{ number: 1 }, { number: 2, datasets: [{ inserted: 0, updated: 1 }] }, { number: 3 }]);
  }, 60_000); // prettier-ignore

  test('that is re-applied by others, or comes under a newer operator, does not run and is not written', async () => {
    const seed = await shop('steady');
    await seed.create({ schedule: { cron: '0 0 1 1 *' } });
    await seed.becomes('Ready', { status: 'True' });
    await seed.idle();
    const writes = async () => (await cluster.writes(seed.namespace)).length;
    const before = await writes();
    const desired = { apiVersion: 'orderplane.dev/v1alpha1', kind: 'SeedJob', metadata: seed.key, spec: { ...SPEC, schedule: { cron: '0 0 1 1 *' } } };
    for (const manager of ['argocd', 'flux', 'argocd', 'flux', 'argocd'])
      await cluster.client.apply(SeedJobs, desired, { fieldManager: manager, force: true });
    await seed.edit({ metadata: { annotations: { touched: 'yes' } } });
    await seed.restart({ image: 'registry.example/operator:next' });
    expect(await seed.runs()).toHaveLength(1);
    expect(await writes()).toBe(before);
  }, 60_000); // prettier-ignore

  test('runs once for each value of the annotation requestedAt, and once for what comes together', async () => {
    const seed = await shop('requested');
    await seed.create();
    await seed.becomes('Ready', { status: 'True' });
    const request = (value: string | null) => seed.edit({ metadata: { annotations: { [REQUESTED_AT]: value } } });
    await request('first');
    await seed.hasRun(2);
    await request('second');
    await seed.hasRun(3);
    await request(null);
    await seed.restart();
    expect((await seed.runs()).map(({ trigger, requestedAt }) => [trigger, requestedAt])).toEqual([['Spec', undefined], ['Request', 'first'], ['Request', 'second']]);
    expect((await seed.read()).status?.lastHandledRequestAt).toBe('second');
    await seed.edit({ metadata: { annotations: { [REQUESTED_AT]: 'third' } }, spec: { revision: 'second' } });
    await seed.hasRun(4);
    await seed.idle();
    expect((await seed.runs()).slice(3)).toMatchObject([{ trigger: 'Spec', requestedAt: 'third' }]);
  }, 60_000); // prettier-ignore

  test('that fails says why, tries again, and tells of each run in an event', async () => {
    const seed = await shop('broken');
    await seed.behave(failing('row 0: price must not be null'));
    await seed.create();
    const stalled = await platforms.becomes(seed.namespace, 'SeedsApplied', { status: 'False', reason: 'SeedRejected' });
    expect(stalled.message).toContain('row 0: price must not be null');
    await seed.behave(counting({ inserted: 1, skipped: 2 }));
    await platforms.ready(seed.namespace);
    const runs = await seed.runs();
    expect(runs.map(({ outcome }) => outcome)).toEqual([...runs.slice(1).map(() => 'Failed'), 'Succeeded']);
    await seed.idle();
    const notes = await events(seed.namespace, 'broken');
    expect(notes).toContain('Warning RunFailed: run 1, for a new input: failed: row 0: price must not be null');
    expect(notes).toContain(`Normal RunSucceeded: run ${runs.length}, for a new input: products: 1 inserted, 2 unchanged`);
  }, 60_000); // prettier-ignore

  test('that fails half-way tells the counts of what it has written', async () => {
    const seed = await shop('half');
    const result = { ok: false, reason: 'SeedRejected', message: 'dataset "prices": no such product', datasets: [{ name: 'products', inserted: 3, updated: 0, skipped: 1, deleted: 0 }] };
    await seed.behave({ kind: 'result', result });
    await seed.create({ datasets: [DATASET, { ...DATASET, name: 'prices', table: 'prices' }] });
    const { message } = await seed.becomes('Ready', { status: 'False', reason: 'SeedRejected' });
    const told = 'dataset "prices": no such product (written before that, and kept: products: 3 inserted, 1 unchanged)';
    expect(message).toContain(`seeding failed: ${told}`);
    expect((await seed.runs())[0]).toMatchObject({ outcome: 'Failed', datasets: result.datasets });
    const event = `Warning RunFailed: run 1, for a new input: failed: ${told}`;
    await eventually('an event', async () => (await events(seed.namespace, 'half')).includes(event), () => events(seed.namespace, 'half'));
  }, 60_000); // prettier-ignore

  test('runs for what is in its ConfigMap, once for each edit, and says what is wrong with it', async () => {
    const seed = await shop('mapped');
    const from = { configMapRef: { name: 'catalogue', key: 'products.csv' } };
    await seed.create({ datasets: [{ ...DATASET, rows: undefined, from }] });
    const missing = await seed.becomes('Ready', { status: 'False', reason: 'ConfigMapMissing' });
    expect(missing.message).toBe('ConfigMap catalogue does not exist');
    const map = { namespace: seed.namespace, name: 'catalogue' };
    await cluster.client.create(ConfigMaps, { metadata: map, data: { other: 'x' }, binaryData: { 'products.csv': 'AAAA' } } as ConfigMap);
    const binary = await seed.becomes('Stalled', { status: 'True', reason: 'InvalidSource' });
    expect(binary.message).toBe('key products.csv of ConfigMap catalogue is binary data, and has to be text: put it under data');
    await cluster.client.mergePatch(ConfigMaps, map, { data: { 'products.csv': 'id\np1' }, binaryData: { 'products.csv': null } });
    await seed.hasRun(1);
    await cluster.client.mergePatch(ConfigMaps, map, { data: { 'products.csv': 'id\np2' } });
    await seed.hasRun(2);
    await cluster.client.mergePatch(ConfigMaps, map, { metadata: { labels: { touched: 'yes' } } });
    await seed.restart();
    expect(await seed.runs()).toHaveLength(2);
    const given = await Promise.all((await seed.jobs()).map(({ metadata: { name } }) => cluster.client.get(ConfigMaps, { namespace: seed.namespace, name })));
    expect(given.map((config) => config?.data?.['products.csv']).toSorted()).toEqual(['id\np1', 'id\np2']);
  }, 90_000); // prettier-ignore

  test('waits for a claim that does not exist, and then reads from it without a right to write', async () => {
    const seed = await shop('mounted');
    const from = { volume: { claimName: 'datasets', path: 'products.csv' } };
    await seed.create({ datasets: [{ ...DATASET, rows: undefined, from }] });
    const waiting = await seed.becomes('Ready', { status: 'False', reason: 'ClaimMissing' });
    expect(waiting.message).toContain(`PersistentVolumeClaim datasets does not exist in namespace ${seed.namespace}: create it`);
    const spec = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } };
    await cluster.client.create(PersistentVolumeClaims, { metadata: { namespace: seed.namespace, name: 'datasets' }, spec } as PersistentVolumeClaim);
    await seed.becomes('Ready', { status: 'True' });
    const [job] = await seed.jobs();
    expect(job?.spec?.template.spec?.volumes).toContainEqual({ name: 'claim-0', persistentVolumeClaim: { claimName: 'datasets', readOnly: true } });
  }, 60_000); // prettier-ignore

  test('of mode Replace runs when its token is set, needs it no more for the same input, and another one for another', async () => {
    const seed = await shop('replacing');
    const token = async () => /set spec.confirm to "([0-9a-f]+)"/.exec((await seed.becomes('Stalled', { status: 'True', reason: 'ConfirmationRequired' })).message)?.[1];
    const datasets = (price: number) => [{ ...DATASET, mode: 'Replace', rows: [{ id: 'p1', price }] }];
    await seed.create({ datasets: datasets(1), confirm: 'abcdef01' });
    const first = await token();
    expect((await seed.condition('Stalled'))?.message).toContain('the one that is set is not for the datasets as they are now');
    expect(await seed.jobs()).toEqual([]);
    await seed.edit({ spec: { confirm: first } });
    await seed.becomes('Ready', { status: 'True' });
    await seed.edit({ spec: { confirm: null }, metadata: { annotations: { [REQUESTED_AT]: 'now' } } });
    await seed.hasRun(2);
    await seed.edit({ spec: { confirm: first, datasets: datasets(2) } });
    const second = await token();
    expect(second).not.toBe(first);
    await seed.edit({ spec: { confirm: second } });
    await seed.hasRun(3);
    const inputs = await Promise.all((await seed.jobs()).map(({ metadata: { name } }) => cluster.client.get(ConfigMaps, { namespace: seed.namespace, name })));
    expect(inputs.map((config) => JSON.parse(config?.data?.['input.json'] ?? '').confirmed)).toEqual([true, true, true]);
  }, 60_000); // prettier-ignore
});

describe('a schedule', () => {
  test('that came due while the operator was down is made up for by one run, which leaves Ready as it is', async () => {
    const seed = await shop('hourly');
    await seed.create({ schedule: { cron: '0 * * * *' } });
    const ready = await seed.becomes('Ready', { status: 'True' });
    const platformReady = await platforms.becomes(seed.namespace, 'SeedsApplied', { status: 'True' });
    expect(await seed.condition('ScheduledRunSucceeded')).toMatchObject({ status: 'Unknown', reason: 'Pending' });

    const later = ahead(5 * HOUR_MS);
    const due = kubeTime(hourBefore(later));
    await seed.behave(counting({ skipped: 7 }));
    await seed.restart({ later });
    await seed.hasRun(2);
    await seed.becomes('ScheduledRunSucceeded', { status: 'True', reason: 'Succeeded' });
    await seed.restart({ later });
    expect((await seed.runs()).slice(1)).toMatchObject([{ trigger: 'Schedule', scheduledFor: due, outcome: 'Succeeded', datasets: [{ skipped: 7 }] }]);
    expect((await seed.read()).status?.schedule).toMatchObject({ lastScheduleTime: due, nextScheduleTime: kubeTime(new Date(Date.parse(due) + HOUR_MS)) });

    await seed.behave(failing('the disk is full'));
    await seed.restart({ later: ahead(7 * HOUR_MS) });
    await seed.hasRun(3);
    const failed = await seed.becomes('ScheduledRunSucceeded', { status: 'False', reason: 'SeedRejected' });
    expect(failed.message).toContain('failed: the disk is full');
    await seed.idle();
    expect(await seed.runs()).toHaveLength(3);
    expect(await seed.condition('Ready')).toEqual(ready);
    expect(await platforms.condition(seed.namespace, 'SeedsApplied')).toEqual(platformReady);
  }, 90_000); // prettier-ignore

  test('that came due too long ago is left out, and told of', async () => {
    const seed = await shop('strict');
    await seed.create({ schedule: { cron: '0 * * * *', startingDeadlineSeconds: 10 } });
    await seed.becomes('Ready', { status: 'True' });
    const intoTheHour = HOUR_MS - (Date.now() % HOUR_MS) + HOUR_MS / 2;
    await seed.restart({ later: ahead(intoTheHour + 2 * HOUR_MS) });
    const due = (await seed.read()).status?.schedule?.lastScheduleTime;
    expect(due).toBe(kubeTime(hourBefore(ahead(intoTheHour + 2 * HOUR_MS))));
    expect(await seed.runs()).toHaveLength(1);
    expect((await events(seed.namespace, 'strict')).join('\n')).toContain(`Warning MissedSchedule: the run that was due at`);
  }, 60_000); // prettier-ignore

  test.each(['Forbid', 'Replace'] as const)('that comes due while the last run still runs: %s', async (concurrency) => {
    const seed = await shop(`slow-${concurrency.toLowerCase()}`);
    await seed.create({ schedule: { cron: '0 * * * *', concurrency } });
    await seed.becomes('Ready', { status: 'True' });
    await seed.behave({ kind: 'says', called: 'busy', status: {}, container: { state: { running: {} } } });
    await seed.restart({ later: ahead(2 * HOUR_MS) });
    const [held] = (await seed.jobs()).filter(({ metadata }) => metadata.name.endsWith('-2'));
    await seed.becomes('ScheduledRunSucceeded', { status: 'Unknown', reason: 'Running' });
    await seed.restart({ later: ahead(4 * HOUR_MS) });
    if (concurrency === 'Forbid') {
      expect((await seed.jobs()).map(({ metadata }) => metadata.uid)).toContain(held?.metadata.uid);
      await seed.behave(counting({ updated: 1 }));
      await seed.hasRun(3);
      expect((await seed.runs()).slice(1)).toMatchObject([{ outcome: 'Succeeded' }, { outcome: 'Succeeded' }]);
    } else {
      await eventually('the held run is gone', async () => !(await seed.jobs()).some(({ metadata }) => metadata.uid === held?.metadata.uid));
      await seed.behave(counting({ updated: 1 }));
      await seed.hasRun(3);
      expect((await seed.runs()).slice(1)).toMatchObject([{ number: 2, outcome: 'Failed', reason: 'Replaced' }, { number: 3, outcome: 'Succeeded' }]);
    }
    await seed.idle();
    expect(new Set((await seed.runs()).slice(1).map(({ scheduledFor }) => scheduledFor)).size).toBe(2);
    expect(await seed.condition('Ready')).toMatchObject({ status: 'True' });
  }, 90_000); // prettier-ignore
});

/** What was told of an object, each in a line. */
async function events(namespace: string, name: string): Promise<string[]> {
  const { items } = JSON.parse(await cluster.client.raw(`/apis/events.k8s.io/v1/namespaces/${namespace}/events`)) as { items: { type: string; reason: string; note: string; regarding: { name: string } }[] };
  return items.filter(({ regarding }) => regarding.name === name).map(({ type, reason, note }) => `${type} ${reason}: ${note}`);
} // prettier-ignore
