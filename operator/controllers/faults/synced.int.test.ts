/** What a GitOps controller does all day: it applies the same manifests again, and now and then one that was edited. On a real API server. */
import { beforeAll, expect, test } from '@jest/globals';
import { Migrations, OrderPlatforms, SeedJobs } from '../../api/v1alpha1/index.ts';
import { ConfigMaps, type ConfigMap } from '../../runtime/index.ts';
import { eventually } from '../testing/eventually.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';
import { SPECS } from './specs.ts';

const { cluster, platforms } = await sharedCluster();
let operator = cluster.startOperator();

const { platform, migration, seed } = SPECS['a migration, a seed, and a service that waits for them']!;
let namespace: string;

/** @param fieldManager of whom the manifests are; by default of Argo CD, which takes over from who made them */
async function sync(seeded = seed, fieldManager = 'argocd-controller'): Promise<void> {
  const metadata = (name: string) => ({ name, namespace });
  const as = { fieldManager };
  await cluster.client.apply(OrderPlatforms, { metadata: metadata('shop'), spec: platform }, as);
  await cluster.client.apply(Migrations, { metadata: metadata('extra'), spec: migration! }, as);
  await cluster.client.apply(
    Migrations,
    {
      metadata: metadata('mapped'),
      spec: {
        ...migration!,
        database: 'mapped',
        source: { configMapRef: { name: 'sql' } },
        policy: { destructive: 'RequireApproval' },
      },
    },
    as,
  );
  await cluster.client.apply(SeedJobs, { metadata: metadata('extra'), spec: seeded! }, as);
}

const readMigration = (name: string) => cluster.client.get(Migrations, { namespace, name });
const readSeed = async () => (await cluster.client.get(SeedJobs, { namespace, name: 'extra' }))?.status;

beforeAll(async () => {
  namespace = await cluster.namespace();
  const data = { '0001_init.up.sql': 'create table a (id int)' };
  await cluster.client.create(ConfigMaps, { metadata: { name: 'sql', namespace }, data } as ConfigMap);
  await sync(seed, 'kubectl');
  await platforms.ready(namespace);
  for (const name of ['extra', 'mapped'])
    await eventually(
      `${name} is up to date`,
      async () => (await readMigration(name))?.status?.run?.outcome === 'Succeeded',
      () => readMigration(name),
    );
  await operator.idle();
}, 60_000);

test('platform, Migrations and SeedJob that are applied again every five seconds for two minutes cause no run and no request, nor does a new operator', async () => {
  const before = (await cluster.writes(namespace)).length;
  // The time between makes no difference to an operator that acts on changes: what `npm run soak -- synced` takes two minutes for.
  for (let time = 0; time < 24; time++) await sync();
  await operator.idle();
  await operator.kill();
  operator = cluster.startOperator({ operator: 'registry.example/operator:next' });
  await operator.idle();
  await sync();
  await operator.idle();
  expect((await cluster.writes(namespace)).slice(before)).toEqual([]);
}, 90_000); // prettier-ignore

test('one edited row is one run of the seed, and nothing else', async () => {
  const before = (await cluster.writes(namespace)).length;
  const [dataset] = seed!.datasets;
  const edited = { ...seed!, datasets: [{ ...dataset!, rows: [{ id: 'b' }] }] };
  for (let time = 0; time < 5; time++) await sync(edited);
  await eventually('the seed has run', async () => (await readSeed())?.runs?.length === 2, readSeed);
  await platforms.ready(namespace);
  for (let time = 0; time < 5; time++) await sync(edited);
  await operator.idle();
  const made = (await cluster.writes(namespace)).slice(before).filter((write) => !/^patch \w+\/status /.test(write));
  expect(made).toEqual([
    expect.stringMatching(/^create configmaps extra-seed-\S+-2$/),
    expect.stringMatching(/^create jobs extra-seed-\S+-2$/),
  ]);
}, 60_000);
