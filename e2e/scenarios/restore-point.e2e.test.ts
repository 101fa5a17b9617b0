/** A migration is preceded by a restore point that brings the data back; where none can be taken, it does not begin. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { clusterLayout } from '@orderplane/hack/cluster/layout.ts';
import { currentState } from '@orderplane/hack/cluster/status.ts';
import { runCommand } from '@orderplane/hack/toolchain/command.ts';
import { Migrations, type Migration } from '@orderplane/operator/api/v1alpha1/index.ts';
import { findCondition, PersistentVolumeClaims, type KubeObject } from '@orderplane/operator/runtime/index.ts';
import { figure, openCluster } from '../harness/cluster.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { E2E_CLUSTER } from '../harness/prepare.ts';
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
  { version: '0003', name: 'more', up: 'create table more (id int)' },
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

/** A file system of that size in the place of the volume's folder, as the node's pods see it. */
async function shrinkVolume(size: string): Promise<() => Promise<string>> {
  const claim = await cluster.client.get(PersistentVolumeClaims, {
    namespace,
    name: `${platform.name}-restore-points`,
  });
  const layout = clusterLayout(E2E_CLUSTER);
  const folder = join(layout.volumes, `pvc-${claim?.metadata.uid}`);
  const node = (await currentState(layout))?.nodePid;
  const onNode = (...command: string[]) => runCommand('nsenter', [`--target=${node}`, '--mount', '--', ...command]);
  await onNode('mount', '-t', 'tmpfs', '-o', `size=${size},mode=0777`, 'tmpfs', folder);
  return () => onNode('umount', folder);
}

test('what a migration lost comes back from its restore point, and with a full volume the next one does not begin', async () => {
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

  const restoreVolume = await shrinkVolume('512k');
  try {
    await apply(2);
    const { ready } = await becomes('RestorePointFailed', '0001');
    expect(ready.message).toMatch(/its volume is full \(.* of 512 KiB are free\): raise restorePoints\.storage/);
    expect(await orders()).toEqual(before);
  } finally {
    await restoreVolume();
  }
  // With room again, it is tried again, and goes through.
  await becomes('UpToDate', '0002');
}, 300_000);
