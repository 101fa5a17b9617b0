import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Migrations, type Migration } from '../../api/v1alpha1/index.ts';
import {
  ConfigMaps,
  findCondition,
  Jobs,
  Secrets,
  type Condition,
  type ConfigMap,
  type Secret,
} from '../../runtime/index.ts';
import { startTestCluster, type TestCluster } from '../testing/cluster.ts';
import { eventually } from '../testing/eventually.ts';
import { platformsOf, VOLUME } from '../testing/platforms.ts';

let cluster: TestCluster;
let platforms: ReturnType<typeof platformsOf>;

beforeAll(async () => {
  cluster = await startTestCluster();
  platforms = platformsOf(cluster);
  cluster.startOperator();
}, 120_000);

afterAll(async () => {
  await cluster?.stop();
}, 60_000);

const create = (namespace: string, name: string, spec: Migration['spec']) =>
  cluster.client.create(Migrations, { metadata: { name, namespace }, spec });

const becomes = (namespace: string, name: string, wanted: { status: string; reason: string }): Promise<Condition> =>
  eventually(
    `Migration ${name} is ${JSON.stringify(wanted)}`,
    async () => {
      const ready = findCondition(
        (await cluster.client.get(Migrations, { namespace, name }))?.status?.conditions,
        'Ready',
      );
      return ready?.status === wanted.status && ready.reason === wanted.reason && ready;
    },
    async () => (await cluster.client.get(Migrations, { namespace, name }))?.status,
  );

/** Input and environment of the newest Job of a Migration. */
async function newestRun(namespace: string, name: string) {
  const { items } = await cluster.client.list(Jobs, { namespace, labelSelector: 'orderplane.dev/run-of=migrate' });
  const job = items.filter(({ metadata }) => metadata.ownerReferences?.[0]?.name === name).at(-1);
  const config = await cluster.client.get(ConfigMaps, { namespace, name: job?.metadata.name ?? '' });
  const env = job?.spec?.template.spec?.containers[0]?.env?.map(
    ({ name, value, valueFrom }) => `${name}=${value ?? valueFrom?.secretKeyRef?.name}`,
  );
  const { 'input.json': input = '{}', ...files } = config?.data ?? {};
  return { input: JSON.parse(input), files, env, count: items.length };
}

const sql = { '0001_init.up.sql': 'create table x()', 'README.md': 'not a migration' };

describe('a Migration', () => {
  test('of a platform makes its database, and runs as its owner', async () => {
    const namespace = await cluster.namespace();
    await create(namespace, 'ledger', { platformRef: { name: 'shop' }, engine: 'postgres', database: 'ledger', source: { inline: [{ version: '0001', name: 'init', up: 'create table x()' }] } });
    await becomes(namespace, 'ledger', { status: 'False', reason: 'PlatformMissing' });
    await platforms.create(namespace, { stores: { postgres: VOLUME } });
    await becomes(namespace, 'ledger', { status: 'True', reason: 'UpToDate' });
    await platforms.ready(namespace);
    expect(await newestRun(namespace, 'ledger')).toMatchObject({
      input: { engine: 'postgres', database: 'ledger', platform: 'shop', source: { dir: '/migrations' }, run: expect.stringMatching(/^ledger-migrate-/) },
      files: { '0001_init.up.sql': 'create table x()' },
      env: expect.arrayContaining(['ADMIN_URI=shop-postgres-admin', 'OWNER_ROLE=ledger_owner']),
    });
    expect((await platforms.read(namespace)).status?.databases).toMatchObject([{ engine: 'postgres', name: 'ledger' }]);
  }, 60_000); // prettier-ignore

  test('of a database of no platform waits for its Secret and its ConfigMap, and names them', async () => {
    const namespace = await cluster.namespace();
    await create(namespace, 'billing', { target: { secretRef: { name: 'db' } }, engine: 'postgres', database: 'billing', source: { configMapRef: { name: 'sql' } } });
    expect((await becomes(namespace, 'billing', { status: 'False', reason: 'SecretMissing' })).message).toContain('Secret db does not exist');
    await cluster.client.create(Secrets, { metadata: { name: 'db', namespace }, stringData: { uri: 'postgres://a:b@db:5432/postgres' } } as Secret);
    expect((await becomes(namespace, 'billing', { status: 'False', reason: 'ConfigMapMissing' })).message).toContain('ConfigMap sql');
    await cluster.client.create(ConfigMaps, { metadata: { name: 'sql', namespace }, data: sql } as ConfigMap);
    await becomes(namespace, 'billing', { status: 'True', reason: 'UpToDate' });
    const run = await newestRun(namespace, 'billing');
    expect([run.env?.slice(1), Object.keys(run.files)]).toEqual([['ADMIN_URI=db', 'ADMIN_CA_FILE=/etc/orderplane/ca/admin-uri.crt'], ['0001_init.up.sql']]);

    await cluster.client.mergePatch(ConfigMaps, { namespace, name: 'sql' }, { data: { '0002_more.up.sql': 'create table y()' } });
    await eventually('the new file was run', async () => (await newestRun(namespace, 'billing')).count === 2);
  }, 60_000); // prettier-ignore

  test('that cannot succeed is Stalled with the reason of the Job, and keeps trying', async () => {
    const namespace = await cluster.namespace();
    await cluster.kubelet.behave(/^edited-migrate/, { kind: 'result', result: { ok: false, reason: 'EditedMigration', message: '0001_init was edited after it had been applied' } });
    await platforms.create(namespace, { stores: { postgres: VOLUME } });
    await create(namespace, 'edited', { platformRef: { name: 'shop' }, engine: 'postgres', database: 'x', source: { inline: [{ version: '0001', name: 'init', up: 'select 1' }] } });
    await becomes(namespace, 'edited', { status: 'False', reason: 'EditedMigration' });
    const stalled = await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'EditedMigration' });
    expect(stalled.message).toContain('Migration edited: migrating x failed: 0001_init was edited');
    await cluster.kubelet.behave(/^edited-migrate/, { kind: 'run' });
    await becomes(namespace, 'edited', { status: 'True', reason: 'UpToDate' });
    await platforms.ready(namespace);
  }, 60_000); // prettier-ignore
});
