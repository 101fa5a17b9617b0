/** `orderplane reseed` as a process against a real API server, with a real operator that acts on it. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { SeedJobs } from '../api/v1alpha1/index.ts';
import { eventually } from '../controllers/testing/eventually.ts';
import { VOLUME } from '../controllers/testing/platforms.ts';
import { sharedCluster } from '../controllers/testing/shared-cluster.ts';
import { orderplane, type RunOptions } from './testing/run.ts';

const { cluster, platforms } = await sharedCluster();
const namespace = await cluster.namespace();
cluster.startOperator();

const DATASET = { name: 'products', engine: 'postgres', database: 'inventory', table: 'products', key: ['id'], mode: 'Upsert', rows: [{ id: 'p1' }] }; // prettier-ignore

beforeAll(async () => {
  await platforms.create(namespace, {
    stores: { postgres: VOLUME },
    broker: { nats: VOLUME },
    services: [{ name: 'inventory' }],
  });
  await create('products', {});
  await platforms.ready(namespace);
}, 60_000);

const create = (name: string, dataset: object) =>
  cluster.client.create(SeedJobs, { metadata: { name, namespace }, spec: { platformRef: { name: 'shop' }, datasets: [{ ...DATASET, ...dataset }] } } as never); // prettier-ignore
const runs = async (name = 'products') => (await cluster.client.get(SeedJobs, { namespace, name }))?.status?.runs ?? [];
const reseed = (args: string[], options?: RunOptions) =>
  orderplane(['reseed', ...args, '-n', namespace, '--kubeconfig', cluster.kubeconfig], options);

describe('reseed', () => {
  test('has a SeedJob run once more, and --watch tells how it gets on and what it did', async () => {
    await cluster.kubelet.behave(/^products-seed/, { kind: 'hold' });
    const isRunning = Promise.withResolvers<void>();
    const watching = reseed(['products', '--watch'], {
      onOutput: (printed) => printed.includes('seeding (Job products-seed-') && isRunning.resolve(),
    });
    await isRunning.promise;
    const datasets = [{ name: 'products', inserted: 0, updated: 1, skipped: 8, deleted: 0 }];
    await cluster.kubelet.behave(/^products-seed/, { kind: 'result', result: { ok: true, datasets } });
    const { code, stdout } = await watching;
    expect(code).toBe(0);
    expect(stdout).toMatch(/✓ SeedJob products: run 2 succeeded in \d+ s\n\n {2}DATASET {3}INSERTED {2}UPDATED {2}UNCHANGED {2}DELETED\n {2}products {9}0 {8}1 {10}8 {8}0/);
    expect(await runs()).toHaveLength(2);
  }, 60_000); // prettier-ignore

  test('returns at once without --watch, and gives programs what was asked and what came of it', async () => {
    const before = (await runs()).length;
    const asked = await reseed(['products', '-o', 'json']);
    expect(asked.code).toBe(0);
    const { requestedAt } = JSON.parse(asked.stdout);
    await eventually('it has run', async () => (await runs())[0]?.requestedAt === requestedAt);
    const { code, stdout } = await reseed(['products', '--watch', '-o', 'json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ name: 'products', run: { number: before + 2, outcome: 'Succeeded', trigger: 'Request' } });
  }, 60_000); // prettier-ignore

  test('ends with 2 where the run failed, with what the Job said, or does not end in time', async () => {
    await cluster.kubelet.behave(/^products-seed/, { kind: 'result', result: { ok: false, reason: 'SeedRejected', message: 'row 7: price must not be null' } });
    const failed = await reseed(['products', '--watch']);
    expect([failed.code, failed.stdout]).toEqual([2, expect.stringContaining('row 7: price must not be null')]);
    await cluster.kubelet.behave(/^products-seed/, { kind: 'hold' });
    const slow = await reseed(['products', '--watch', '--timeout', '1s']);
    expect([slow.code, slow.stderr]).toEqual([2, expect.stringContaining('has not ended within 1 s')]);
    await cluster.kubelet.behave(/^products-seed/, { kind: 'run' });
    await platforms.ready(namespace);
  }, 60_000); // prettier-ignore

  test('says in words why it does not: no such SeedJob, no confirmation, a platform that is suspended', async () => {
    const unknown = await reseed(['product']);
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('there is no SeedJob "product" in namespace')]);
    expect(unknown.stderr).toContain('it has products');
    await create('replacing', { mode: 'Replace' });
    await eventually('it waits to be confirmed', async () => (await cluster.client.get(SeedJobs, { namespace, name: 'replacing' }))?.status?.conditions?.some(({ type }) => type === 'Stalled'));
    const unconfirmed = await reseed(['replacing']);
    expect([unconfirmed.code, unconfirmed.stderr]).toEqual([1, expect.stringMatching(/SeedJob replacing does not run: .* set spec.confirm to "[0-9a-f]{8}"/)]);
    await platforms.change(namespace, { suspend: true });
    const suspended = await reseed(['products']);
    expect([suspended.code, suspended.stderr]).toEqual([1, expect.stringContaining('OrderPlatform shop is suspended')]);
    expect((await runs('products'))[0]?.outcome).toBe('Succeeded');
    expect(await runs('replacing')).toEqual([]);
  }, 60_000); // prettier-ignore
});
