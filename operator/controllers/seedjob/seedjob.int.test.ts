import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { SeedJobs } from '../../api/v1alpha1/index.ts';
import { keyOf } from '../../runtime/index.ts';
import { startTestCluster, type RunningOperator, type TestCluster } from '../testing/cluster.ts';
import { eventually } from '../testing/eventually.ts';
import { platformsOf, VOLUME } from '../testing/platforms.ts';

let cluster: TestCluster;
let operator: RunningOperator;
let platforms: ReturnType<typeof platformsOf>;

beforeAll(async () => {
  cluster = await startTestCluster();
  platforms = platformsOf(cluster);
  operator = cluster.startOperator();
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
}, 60_000);

describe('a SeedJob', () => {
  test('runs once, again when it is edited, and never otherwise', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { stores: { postgres: VOLUME }, services: [{ name: 'inventory' }] });
    const rows = [{ id: 'p1', name: 'Widget', price: 199 }];
    const dataset = { name: 'products', engine: 'postgres' as const, database: 'inventory', table: 'products', key: ['id'], mode: 'Upsert' as const, rows };
    const seed = { apiVersion: 'orderplane.dev/v1alpha1', kind: 'SeedJob', metadata: { name: 'products', namespace }, spec: { platformRef: { name: 'shop' }, after: [{ migration: 'shop-inventory' }], datasets: [dataset] } };
    await cluster.client.apply(SeedJobs, seed);
    const runs = async () => (await cluster.client.get(SeedJobs, { namespace, name: 'products' }))?.status?.runs?.map(({ number, outcome, datasets }) => [number, outcome, datasets?.[0]?.inserted]);
    await platforms.ready(namespace);
    expect((await platforms.condition(namespace, 'SeedsApplied'))?.reason).toBe('Applied');
    expect(await runs()).toEqual([[1, 'Succeeded', 1]]);

    await cluster.client.apply(SeedJobs, seed);
    await cluster.client.mergePatch(SeedJobs, keyOf(seed), { metadata: { annotations: { touched: 'yes' } } });
    await operator.kill();
    operator = cluster.startOperator();
    await operator.idle();
    expect(await runs()).toHaveLength(1);

    await cluster.client.mergePatch(SeedJobs, keyOf(seed), { spec: { revision: 'second' } });
    await eventually('it ran a second time', async () => (await runs())?.length === 2);
    await cluster.client.mergePatch(SeedJobs, keyOf(seed), { spec: { revision: null } });
    await eventually('it ran for what it was at first', async () => (await runs())?.length === 3);
    await operator.idle();
    expect(await runs()).toEqual([[3, 'Succeeded', 1], [2, 'Succeeded', 1], [1, 'Succeeded', 1]]);
  }, 60_000); // prettier-ignore

  test('that fails says why, and tries again', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { stores: { postgres: VOLUME }, services: [{ name: 'inventory' }] });
    await cluster.kubelet.behave(/^broken-seed/, { kind: 'result', result: { ok: false, reason: 'SeedRejected', message: 'row 0: price must not be null' } });
    const datasets = [{ name: 'products', engine: 'postgres' as const, database: 'inventory', table: 'products', key: ['id'], mode: 'Upsert' as const, rows: [{ id: 'p1' }] }];
    await cluster.client.create(SeedJobs, { metadata: { name: 'broken', namespace }, spec: { platformRef: { name: 'shop' }, datasets } });
    const stalled = await platforms.becomes(namespace, 'SeedsApplied', { status: 'False', reason: 'SeedRejected' });
    expect(stalled.message).toContain('row 0: price must not be null');
    await cluster.kubelet.behave(/^broken-seed/, { kind: 'run' });
    await platforms.ready(namespace);
    const runs = (await cluster.client.get(SeedJobs, { namespace, name: 'broken' }))?.status?.runs ?? [];
    expect(runs.map(({ outcome }) => outcome)).toEqual(['Succeeded', ...runs.slice(1).map(() => 'Failed')]);
  }, 60_000); // prettier-ignore
});
