import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Migrations, OrderPlatforms, type Migration } from '../../api/v1alpha1/index.ts';
import {
  ConfigMaps,
  Events,
  findCondition,
  Jobs,
  Secrets,
  type Condition,
  type ConfigMap,
  type Secret,
} from '../../runtime/index.ts';
import { startTestCluster, type RunningOperator, type TestCluster } from '../testing/cluster.ts';
import { eventually } from '../testing/eventually.ts';
import { platformsOf, VOLUME } from '../testing/platforms.ts';

let cluster: TestCluster;
let operator: RunningOperator;
let platforms: ReturnType<typeof platformsOf>;

const HASH = '0123456789abcdef';
const init = { version: '0001', name: 'init', up: 'create table x()' };

beforeAll(async () => {
  cluster = await startTestCluster();
  platforms = platformsOf(cluster);
  operator = cluster.startOperator();
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

const says = (namespace: string, name: string, words: string) =>
  eventually(
    `Migration ${name} says: ${words}`,
    async () => {
      const { conditions } = (await cluster.client.get(Migrations, { namespace, name }))?.status ?? {};
      return findCondition(conditions, 'Ready')?.message.includes(words);
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

  test('runs after those that it names, at the version that it names', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { stores: { postgres: VOLUME } });
    const spec = (database: string, after?: Migration['spec']['after']): Migration['spec'] => ({ platformRef: { name: 'shop' }, engine: 'postgres', database, source: { inline: [init] }, ...(after && { after }) });
    await create(namespace, 'second', spec('second', [{ migration: 'first', version: '0002' }]));
    expect((await becomes(namespace, 'second', { status: 'False', reason: 'WaitingForMigration' })).message).toBe('Migration first does not exist');
    await create(namespace, 'first', spec('first'));
    await becomes(namespace, 'first', { status: 'True', reason: 'UpToDate' });
    await says(namespace, 'second', 'Migration first is at version 0001, and 0002 is required');
    expect((await newestRun(namespace, 'second')).env).toBeUndefined();
    await cluster.client.mergePatch(Migrations, { namespace, name: 'second' }, { spec: { after: [{ migration: 'first', version: '1' }] } });
    await becomes(namespace, 'second', { status: 'True', reason: 'UpToDate' });

    await create(namespace, 'third', spec('third', [{ migration: 'fourth' }]));
    await create(namespace, 'fourth', spec('fourth', [{ migration: 'third' }]));
    expect((await becomes(namespace, 'third', { status: 'False', reason: 'DependencyCycle' })).message).toContain('third → fourth → third');
    await expect(create(namespace, 'fifth', spec('fifth', [{ migration: 'fifth' }]))).rejects.toThrow('after names this Migration itself');
  }, 60_000); // prettier-ignore

  test('that is only planned meets no requirement while there is something to do', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { stores: { postgres: VOLUME } });
    const plan = { hash: HASH, direction: 'Up', pending: ['0002_more.up.sql'], findings: [] };
    await cluster.kubelet.behave(/^planned-migrate/, { kind: 'result', result: { ok: true, currentVersion: '0001', applied: [], appliedByThisRun: 0, pending: plan.pending, isAhead: false, plan } });
    const base = { platformRef: { name: 'shop' }, engine: 'postgres' as const, source: { inline: [init] } };
    await create(namespace, 'planned', { ...base, database: 'x', mode: 'Plan' });
    await create(namespace, 'next', { ...base, database: 'y', after: [{ migration: 'planned' }] });
    await becomes(namespace, 'planned', { status: 'True', reason: 'PlanReady' });
    await says(namespace, 'next', 'Migration planned only plans 0002_more.up.sql: set its spec.mode to Apply');
    await platforms.change(namespace, { services: [{ name: 'x', image: 'registry.example/x:1', port: 9000, requires: [{ migration: 'planned' }] }] });
    const held = await platforms.becomes(namespace, 'ServicesAvailable', { status: 'False' });
    expect(held.message).toContain('Migration planned only plans 0002_more.up.sql');
  }, 60_000); // prettier-ignore

  test('runs once more for each new value of orderplane.dev/requestedAt', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { stores: { postgres: VOLUME } });
    await create(namespace, 'again', { platformRef: { name: 'shop' }, engine: 'postgres', database: 'x', source: { inline: [init] } });
    await becomes(namespace, 'again', { status: 'True', reason: 'UpToDate' });
    const request = async (requestedAt: string | null) => {
      const annotations = { 'orderplane.dev/requestedAt': requestedAt };
      const { metadata } = await cluster.client.mergePatch(Migrations, { namespace, name: 'again' }, { metadata: { annotations } });
      return metadata;
    };
    for (const [i, requestedAt] of ['monday', 'tuesday'].entries()) {
      await request(requestedAt);
      await eventually(`the run that was asked for on ${requestedAt}`, async () => {
        const { status } = (await cluster.client.get(Migrations, { namespace, name: 'again' })) ?? {};
        return status?.lastHandledRequestAt === requestedAt && status.run?.number === i + 2;
      });
    }
    await request('tuesday');
    await request(null);
    await operator.idle();
    expect((await newestRun(namespace, 'again')).count).toBe(3);
  }, 60_000); // prettier-ignore

  test('of the release that is refused is told of at the top of its platform, is not repeated, and goes on once the platform approves it', async () => {
    const namespace = await cluster.namespace();
    const finding = { file: '0002_drop.up.sql', line: 3, rule: 'drop-column', severity: 'Destructive', statement: 'ALTER TABLE products DROP COLUMN price' };
    const plan = { hash: HASH, direction: 'Up', pending: ['0002_drop.up.sql'], findings: [finding] };
    await cluster.kubelet.behave(/^shop-inventory-migrate/, { kind: 'result', result: { ok: false, reason: 'ApprovalRequired', message: 'approve it', plan } });
    const policy = { destructive: 'RequireApproval' };
    await platforms.create(namespace, { stores: { postgres: VOLUME }, broker: { nats: VOLUME }, services: [{ name: 'inventory' }], migrations: { policy: { destructive: 'RequireApproval' } } });
    const ready = await platforms.becomes(namespace, 'Ready', { status: 'False', reason: 'ApprovalRequired' });
    const patch = { spec: { migrations: { approvals: [{ service: 'inventory', planHash: HASH }] } } };
    expect(ready.message).toContain(`kubectl -n ${namespace} patch orderplatform shop --type merge -p '${JSON.stringify(patch)}'`);
    expect(ready.message).toContain('0002_drop.up.sql:3 drop-column');
    expect((await platforms.read(namespace)).status?.migrations).toMatchObject([{ name: 'shop-inventory', ready: false, reason: 'ApprovalRequired', message: expect.stringContaining(HASH) }]);
    expect(await newestRun(namespace, 'shop-inventory')).toMatchObject({ input: { policy }, count: 1 });
    await operator.idle();
    const events = await cluster.client.list(Events, { namespace, fieldSelector: 'reason=ApprovalRequired,regarding.name=shop-inventory' });
    expect(events.items.map(({ type, note }) => [type, note?.includes(HASH)])).toEqual([['Warning', true]]);

    await cluster.kubelet.behave(/^shop-inventory-migrate/, { kind: 'run' });
    await cluster.client.mergePatch(OrderPlatforms, { namespace, name: 'shop' }, patch);
    await platforms.ready(namespace);
    expect(await newestRun(namespace, 'shop-inventory')).toMatchObject({ input: { policy, approvedPlan: HASH }, count: 2 });
    expect((await platforms.read(namespace)).status?.migrations).toEqual([{ name: 'shop-inventory', ready: true, version: '0001' }]);
  }, 60_000); // prettier-ignore
});
