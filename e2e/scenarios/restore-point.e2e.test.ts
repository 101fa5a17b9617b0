/** A migration is preceded by a restore point, which brings the data back. */
import { randomBytes } from 'node:crypto';
import { afterAll, expect, test } from '@jest/globals';
import { Migrations, type Migration } from '@orderplane/operator/api/v1alpha1/index.ts';
import { findCondition, type KubeObject } from '@orderplane/operator/runtime/index.ts';
import { figure, openCluster } from '../harness/cluster.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { connectPostgres } from '../harness/stores.ts';
import { waitForObject } from '../harness/watching.ts';

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'rough');
const { namespace } = platform;
// A database of its own for each run: what has been applied to one stays applied.
const database = `kept_${randomBytes(3).toString('hex')}`;
const key = { namespace, name: database.replace('_', '-') };

afterAll(async () => {
  await cluster.client.delete(Migrations, key);
  await cluster.close();
});

const FILES = [
  { version: '0001', name: 'orders', up: 'create table orders (id int primary key, content text)' },
  { version: '0002', name: 'emptied', up: 'truncate orders; create table emptied (id int)' },
];

async function apply(versions: number, more: Partial<Migration['spec']> = {}): Promise<void> {
  const spec = {
    platformRef: { name: platform.name },
    engine: 'postgres',
    database,
    source: { inline: FILES.slice(0, versions) },
    policy: { destructive: 'Allow', restorePoint: 'Required' },
    restorePoints: { storage: '64Mi' },
    ...more,
  };
  const migration = { apiVersion: 'orderplane.dev/v1alpha1', kind: 'Migration', metadata: key, spec };
  await cluster.apply([migration as KubeObject]);
}

const becomes = (reason: string, currentVersion: string) =>
  waitForObject(
    cluster.client,
    Migrations,
    key,
    (found) => {
      const ready = findCondition(found?.status?.conditions, 'Ready');
      const isOfIt = found?.status?.currentVersion === currentVersion && ready?.reason === reason;
      return isOfIt && ready.observedGeneration === found.metadata.generation && { ...found.status, ready };
    },
    { timeoutMs: 90_000, what: `${reason} at ${currentVersion}` },
  );

test('what a migration lost comes back from its restore point, and stays as long as that is asked for', async () => {
  await apply(1);
  await becomes('UpToDate', '0001');
  await using postgres = await connectPostgres(platform, { database });
  // Random, so that no compression makes a dump of it small.
  await postgres.query(`insert into orders select g, string_agg(md5(random()::text), '') from generate_series(1, 500) g, generate_series(1, 100) h group by g`); // prettier-ignore
  const orders = async () => (await postgres.query(`select count(*)::int as n, md5(string_agg(content, '' order by id)) as sum from orders`)).rows[0]; // prettier-ignore
  const before = await orders();

  const changed = performance.now();
  await apply(2);
  const { restorePoint } = await becomes('UpToDate', '0002');
  figure(
    'restore point of 1.6 MB, taken and verified, and a migration',
    `${((performance.now() - changed) / 1000).toFixed(1)} s`,
  );
  expect(restorePoint).toMatchObject({ version: '0001', verified: true, tables: 2, rows: 501 });
  expect(restorePoint?.bytes).toBeGreaterThan(500_000);
  expect(await orders()).toMatchObject({ n: 0 });

  await apply(2, { restoreFrom: { restorePoint: restorePoint?.id ?? '' } });
  expect(await becomes('Restored', '0001')).toMatchObject({
    pending: ['0002_emptied.up.sql'],
    ready: { status: 'True' },
  });
  expect(await orders()).toEqual(before);

  // Only the wish holds it there.
  await apply(2);
  await becomes('UpToDate', '0002');
}, 300_000);
