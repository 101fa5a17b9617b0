/** A SeedJob on a real platform: it writes what changed and nothing else, whenever it runs, and says so. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Migrations, SeedJobs, type SeedJob } from '@orderplane/operator/api/v1alpha1/index.ts';
import { NONROOT, restrictedContainer, restrictedPod } from '@orderplane/operator/resources/pod.ts';
import { PersistentVolumeClaims, Pods, type KubeObject, type ObjectKey } from '@orderplane/operator/runtime/index.ts';
import { figure, openCluster } from '../harness/cluster.ts';
import { conditionOf, holds } from '../harness/conditions.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { connectPostgres } from '../harness/stores.ts';
import { waitForObject } from '../harness/watching.ts';

const API = { apiVersion: 'orderplane.dev/v1alpha1' };

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'rough');
const { namespace } = platform;
// A database of its own for each run.
const id = randomBytes(3).toString('hex');
const database = `seeds_${id}`;
const schema = { namespace, name: `seeds-${id}` };
const claim = { namespace, name: `datasets-${id}` };
const inline = { namespace, name: `inline-${id}` };
const mounted = { namespace, name: `mounted-${id}` };

const dataset = { name: 'items', engine: 'postgres', database, table: 'items', key: ['id'], mode: 'Upsert' };
const rows = (price: number) => ['a', 'b', 'c', 'd', 'e'].map((letter) => ({ id: letter, price: letter === 'c' ? price : 1 })); // prettier-ignore
const seed = (metadata: ObjectKey, spec: object): KubeObject =>
  ({ ...API, kind: 'SeedJob', metadata, spec: { platformRef: { name: platform.name }, after: [{ migration: schema.name }], ...spec } }) as KubeObject; // prettier-ignore

beforeAll(async () => {
  const up = 'create table items (id text primary key, price int not null);';
  const source = { inline: [{ version: '0001', name: 'items', up }] };
  const spec = { platformRef: { name: platform.name }, engine: 'postgres', database, source };
  await cluster.apply([{ ...API, kind: 'Migration', metadata: schema, spec } as KubeObject]);
  await waitForObject(cluster.client, Migrations, schema, (found) => holds(found, 'Ready'), {
    timeoutMs: 90_000,
    what: 'the table',
  });
}, 120_000);

afterAll(async () => {
  const { client } = cluster;
  for (const key of [inline, mounted]) await client.delete(SeedJobs, key);
  await client.delete(Migrations, schema);
  await client.delete(Pods, claim);
  await client.delete(PersistentVolumeClaims, claim);
  await client.close();
});

/** Waits until it has run so many times, and is Ready for what it is now. */
const hasRun = (key: ObjectKey, times: number) =>
  waitForObject(cluster.client, SeedJobs, key, (found) => holds(found, 'Ready') && found?.status?.runs?.[0]?.number === times && found, {
    timeoutMs: 90_000,
    what: `run ${times} of SeedJob ${key.name}`,
  }) as Promise<SeedJob>; // prettier-ignore

/** The rows, with the transaction that wrote each last: the database's own word on what was written. */
async function written(): Promise<{ id: string; price: number; xmin: string }[]> {
  await using postgres = await connectPostgres(platform, { database });
  return (await postgres.query('select id, price, xmin::text from items order by id')).rows;
}

test('one edited row is one run, and one row that is written', async () => {
  await cluster.apply([seed(inline, { datasets: [{ ...dataset, rows: rows(1) }] })]);
  const first = await hasRun(inline, 1);
  expect(first.status?.runs?.[0]?.datasets).toMatchObject([{ inserted: 5, updated: 0, skipped: 0 }]);
  const before = await written();

  const edited = performance.now();
  await cluster.apply([seed(inline, { datasets: [{ ...dataset, rows: rows(2) }] })]);
  const second = await hasRun(inline, 2);
  figure('one edited row → Ready', `${((performance.now() - edited) / 1000).toFixed(1)} s`);
  expect(second.status?.runs?.[0]?.datasets).toMatchObject([{ inserted: 0, updated: 1, skipped: 4 }]);
  const after = await written();
  expect(after.filter((row, index) => row.xmin !== before[index]?.xmin)).toMatchObject([{ id: 'c', price: 2 }]);
}, 240_000);

test('applied again it does not run, by orderplane reseed it does, and writes no row that is there', async () => {
  const before = await written();
  const since = new Date();
  for (let time = 0; time < 3; time++) await cluster.apply([seed(inline, { datasets: [{ ...dataset, rows: rows(2) }] })]);
  const { code, stdout } = await cluster.orderplane(['reseed', inline.name, '-n', namespace, '--watch']);
  expect([code, stdout]).toEqual([0, expect.stringMatching(/items +0 +0 +5 +0$/m)]);
  expect((await hasRun(inline, 3)).status?.runs).toHaveLength(3);
  expect(await written()).toEqual(before);
  const made = (await cluster.operator.mutations(since)).filter(({ verb, resource, name }) => verb === 'create' && resource === 'jobs' && name?.startsWith(inline.name));
  expect(made).toHaveLength(1);
}, 120_000); // prettier-ignore

test('rows come from a file in a volume; a claim and a file that are missing are named', async () => {
  const from = (path: string) => ({ volume: { claimName: claim.name, path } });
  await cluster.apply([seed(mounted, { datasets: [{ ...dataset, from: from('missing.csv') }] })]);
  const says = (reason: string) =>
    waitForObject(cluster.client, SeedJobs, mounted, (found) => conditionOf(found, 'Ready')?.reason === reason && conditionOf(found, 'Ready'), {
      timeoutMs: 90_000,
      what: `${reason} of SeedJob ${mounted.name}`,
    }); // prettier-ignore
  expect((await says('ClaimMissing')).message).toContain(`PersistentVolumeClaim ${claim.name} does not exist`);
  await cluster.apply(volumeWithFile('items.csv', 'id,price\nc,2\nf,600\n'));
  expect((await says('InvalidDataset')).message).toContain('missing.csv');
  await cluster.apply([seed(mounted, { datasets: [{ ...dataset, from: from('items.csv') }] })]);
  const seeded = await waitForObject(cluster.client, SeedJobs, mounted, (found) => holds(found, 'Ready') && found, {
    timeoutMs: 90_000,
    what: 'the seed from the volume',
  });
  expect(seeded.status?.runs?.[0]?.datasets).toMatchObject([{ inserted: 1, updated: 0, skipped: 1 }]);
  expect((await written()).at(-1)).toMatchObject({ id: 'f', price: 600 });
}, 240_000);

test('by its schedule it runs every minute, and stays Ready', async () => {
  const ready = conditionOf(await hasRun(inline, 3), 'Ready');
  await cluster.apply([seed(inline, { datasets: [{ ...dataset, rows: rows(2) }], schedule: { cron: '* * * * *' } })]);
  const scheduled = await waitForObject(
    cluster.client,
    SeedJobs,
    inline,
    (found) => holds(found, 'ScheduledRunSucceeded') && found,
    { timeoutMs: 120_000, what: 'a scheduled run' },
  );
  const [run] = scheduled.status?.runs ?? [];
  expect(run).toMatchObject({ trigger: 'Schedule', outcome: 'Succeeded', datasets: [{ skipped: 5 }] });
  const lateMs = Date.parse(run?.startedAt ?? '') - Date.parse(run?.scheduledFor ?? '');
  figure('due → run started', `${lateMs / 1000} s`);
  expect(lateMs).toBeLessThan(10_000);
  expect(conditionOf(scheduled, 'Ready')).toEqual({ ...ready, observedGeneration: scheduled.metadata.generation });
}, 180_000);

/** A claim, and a pod that puts a file into its volume. */
function volumeWithFile(file: string, text: string): KubeObject[] {
  const program = `require('fs').writeFileSync('/data/${file}', ${JSON.stringify(text)})`;
  const container = restrictedContainer({
    name: 'write',
    image: cluster.ownServiceImage,
    command: ['node', '-e', program],
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
  });
  const volumes = [{ name: 'data', persistentVolumeClaim: { claimName: claim.name } }];
  const spec = restrictedPod(NONROOT, { restartPolicy: 'OnFailure', containers: [container], volumes });
  const size = { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '16Mi' } } };
  return [
    { apiVersion: 'v1', kind: 'PersistentVolumeClaim', metadata: claim, spec: size } as KubeObject,
    { apiVersion: 'v1', kind: 'Pod', metadata: claim, spec } as KubeObject,
  ];
}
