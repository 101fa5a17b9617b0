/** Restore points from the Migration's side, on a real API server, with Jobs that run as processes against a real Postgres. */
import { describe, expect, test } from '@jest/globals';
import { silentProgress } from '@orderplane/hack/progress.ts';
import { ensurePostgresClient } from '@orderplane/hack/toolchain/postgres-client.ts';
import { Migrations, type Migration, type MigrationStatus } from '../../api/v1alpha1/index.ts';
import { findCondition, Jobs, PersistentVolumeClaims, type PersistentVolumeClaim } from '../../runtime/index.ts'; // prettier-ignore
import { eventually } from '../testing/eventually.ts';
import { platformsOf, VOLUME } from '../testing/platforms.ts';
import { postgresJobs } from '../testing/postgres-jobs.ts';

const programs = await ensurePostgresClient(silentProgress);
const { cluster, target } = await postgresJobs(/^app-migrate-/, { ORDERPLANE_POSTGRES_CLIENT: programs });

const FIRST = { version: '0001', name: 'init', up: 'create table orders (id int primary key)' };
const SECOND = { version: '0002', name: 'next', up: 'create table next (id int)' };

/** A Migration called app, of a database and a namespace of its own. */
async function app() {
  const { namespace, database, client } = await target();
  const key = { namespace, name: 'app' };
  const read = () => cluster.client.get(Migrations, key);
  return {
    namespace,
    create: (fields: Partial<Migration['spec']>) => {
      const spec = { target: { secretRef: { name: 'db' } }, engine: 'postgres' as const, database, source: { inline: [FIRST] }, ...fields };
      return cluster.client.create(Migrations, { metadata: key, spec });
    },
    change: (spec: object) => cluster.client.mergePatch(Migrations, key, { spec }),
    becomes: (reason: string) =>
      eventually(`it is ${reason}`, async (): Promise<(MigrationStatus & { message: string; ready: string }) | false> => {
        const { status, metadata } = (await read()) ?? {};
        const ready = findCondition(status?.conditions, 'Ready');
        return status?.observedGeneration === metadata?.generation && ready?.reason === reason && { ...status, message: ready.message, ready: ready.status };
      }, async () => (await read())?.status),
    claim: (name = 'app-restore-points') => cluster.client.get(PersistentVolumeClaims, { namespace, name }),
    runs: async () => (await cluster.client.list(Jobs, { namespace })).items.length,
    query: (sql: string) => client.query(sql),
    orders: async () => Number((await client.query('select count(*) from orders')).rows[0].count),
    end: () => client.end(),
  };
} // prettier-ignore

test('a restore point is in the status, and is gone back to once, until somebody takes the wish away', async () => {
  const { create, change, becomes, runs, query, orders, end } = await app();
  await create({ policy: { restorePoint: 'Required' } });
  expect((await becomes('UpToDate')).restorePoint).toBeUndefined();
  await query('insert into orders values (1), (2)');
  await change({ source: { inline: [FIRST, SECOND] } });
  const { restorePoint, restorePoints } = await eventually('0002', async () => {
    const status = await becomes('UpToDate');
    return status.currentVersion === '0002' && status;
  });
  expect(restorePoint).toMatchObject({ version: '0001', verified: true, tables: 2, rows: 3 });
  expect(restorePoint?.bytes).toBeGreaterThan(500);
  expect(restorePoints).toEqual([expect.objectContaining({ id: restorePoint?.id, bytes: restorePoint?.bytes })]);

  await query('delete from orders');
  await change({ restoreFrom: { restorePoint: restorePoint?.id } });
  const back = await becomes('Restored');
  expect(back).toMatchObject({
    ready: 'True',
    currentVersion: '0001',
    pending: ['0002_next.up.sql'],
    restored: { restorePoint: restorePoint?.id },
    restorePoint: { version: '0002' },
  });
  expect(back.message).toContain('0002_next.up.sql not applied as long');
  expect(back.restorePoints).toHaveLength(2);
  expect(await orders()).toBe(2);

  // What was written since stays, whatever else is edited.
  await query('insert into orders values (3)');
  const before = await runs();
  await change({ policy: { restorePoint: 'Optional', lockTimeout: '7s' }, source: { inline: [FIRST, { ...SECOND, up: 'select 2' }] } });
  await becomes('Restored');
  expect([await runs(), await orders()]).toEqual([before, 3]);

  await change({ restoreFrom: null });
  expect(await becomes('UpToDate')).toMatchObject({ currentVersion: '0002' });
  expect(await orders()).toBe(3);
  await end();
}, 60_000); // prettier-ignore

test('makes a volume of its own when it is about to be needed, which stays', async () => {
  const { create, change, becomes, claim, end, namespace } = await app();
  await create({ policy: { restorePoint: 'None' } });
  await becomes('UpToDate');
  await change({ policy: { restorePoint: 'Required' }, restorePoints: { storage: '3Gi', storageClassName: 'fast' } });
  await becomes('UpToDate');
  expect(await claim()).toBeUndefined();
  await change({ source: { inline: [FIRST, SECOND] } });
  await eventually('0002', async () => (await becomes('UpToDate')).currentVersion === '0002');
  expect(await claim()).toMatchObject({
    metadata: { annotations: { 'argocd.argoproj.io/sync-options': 'Prune=false,Delete=false' } },
    spec: { storageClassName: 'fast', resources: { requests: { storage: '3Gi' } } },
  });
  expect((await claim())?.metadata).not.toHaveProperty('ownerReferences');
  await expect(change({ restorePoints: { storageClassName: 'slow' } })).rejects.toThrow('storageClassName cannot be changed');
  // A volume that cannot grow keeps nothing from being done, and it is said.
  await change({ restorePoints: { storage: '4Gi' }, source: { inline: [FIRST, SECOND, { version: '0003', name: 'more', up: 'select 1' }] } });
  await eventually('0003', async () => (await becomes('UpToDate')).currentVersion === '0003');
  await cluster.client.delete(Migrations, { namespace, name: 'app' });
  await eventually('it is gone', async () => !(await cluster.client.get(Migrations, { namespace, name: 'app' })));
  expect(await claim()).toBeDefined();
  await end();
}, 60_000); // prettier-ignore

test('where the volume cannot be had, Required does not start, and Optional goes on with a warning', async () => {
  const { create, change, becomes, runs, end, namespace } = await app();
  const foreign = { metadata: { name: 'app-restore-points', namespace }, spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } } }; // prettier-ignore
  await cluster.client.create(PersistentVolumeClaims, foreign as PersistentVolumeClaim);
  await create({ policy: { restorePoint: 'Required' } });
  const refused = await becomes('RestorePointFailed');
  expect(refused.message).toContain('volume claim app-restore-points exists and is not for restore points');
  expect(await runs()).toBe(0);
  await change({ policy: { restorePoint: 'Optional' } });
  expect((await becomes('UpToDate')).restorePointWarning).toBeUndefined();
  await change({ source: { inline: [FIRST, SECOND] } });
  const went = await eventually('0002', async () => {
    const status = await becomes('UpToDate');
    return status.currentVersion === '0002' && status;
  });
  expect(went.message).toMatch(/at version 0002\. Warning: no restore point .* is not for restore points/);
  expect(went.restorePointWarning).toContain('volume claim app-restore-points');
  await end();
}, 60_000);

describe('by default', () => {
  test.each([
    ['dev', undefined],
    ['staging', 'Optional'],
  ] as const)('under the profile %s the policy is %s, on a volume of the platform', async (profile, policy) => {
    const namespace = await cluster.namespace();
    await platformsOf(cluster).create(namespace, { profile, stores: { postgres: VOLUME } });
    const spec = { platformRef: { name: 'shop' }, engine: 'postgres', database: 'ledger', source: { inline: [FIRST] } } as const;
    await cluster.client.create(Migrations, { metadata: { name: 'ledger', namespace }, spec: { ...spec, source: { inline: [FIRST] } } });
    const job = await eventually('a Job', async () => (await cluster.client.list(Jobs, { namespace, labelSelector: 'orderplane.dev/run-of=migrate' })).items[0]);
    const volumes = job.spec?.template.spec?.volumes?.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);
    expect(volumes).toEqual(policy ? ['shop-restore-points'] : []);
    const claim = await cluster.client.get(PersistentVolumeClaims, { namespace, name: 'shop-restore-points' });
    expect(claim?.metadata.labels?.['orderplane.dev/platform']).toBe(policy && 'shop');
  }); // prettier-ignore
});
