/** While a migration runs, no pod of the version that requires it exists, and the old ones serve. */
import { randomBytes } from 'node:crypto';
import { afterAll, expect, test } from '@jest/globals';
import { Migrations, type Migration } from '@orderplane/operator/api/v1alpha1/index.ts';
import { ConfigMaps, Deployments, ReplicaSets, type KubeObject } from '@orderplane/operator/runtime/index.ts';
import { figure, openCluster } from '../harness/cluster.ts';
import { holds } from '../harness/conditions.ts';
import { eventually } from '../harness/eventually.ts';
import { exampleManifests, withPlatformSpec, withService } from '../harness/manifests.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { connectPostgres } from '../harness/stores.ts';
import { waitForObject, waitForObjects } from '../harness/watching.ts';

const SLEEP_SECONDS = 20;

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'rough');
const { namespace } = platform;
// A database of its own for each run: what has been applied to one stays applied.
const service = `gated-${randomBytes(3).toString('hex')}`;
const database = service.replace('-', '_');
const component = `${platform.name}-${service}`;
const schema = { namespace, name: `${component}-schema` };
const labelSelector = `orderplane.dev/platform=${platform.name},app.kubernetes.io/name=${service}`;

afterAll(async () => {
  await cluster.client.delete(Migrations, schema);
  await cluster.client.delete(ConfigMaps, schema);
  await cluster.close();
});

const files = { '0001_notes.up.sql': 'create table notes (id int primary key);' };
const slowFiles = {
  ...files,
  '0002_slow.up.sql': `select pg_sleep(${SLEEP_SECONDS}); alter table notes add column text text;`,
};

/** The platform with a service that requires the migrations, and the migrations. */
async function manifests(sql: Record<string, string>, requiredVersion: string): Promise<KubeObject[]> {
  const example = await exampleManifests('examples/ultralight', platform);
  const { name } = schema;
  const program =
    "process.on('SIGTERM', () => process.exit()); require('http').createServer((request, response) => response.end(process.env.EDITION)).listen(process.env.PORT)";
  return [
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data: sql } as KubeObject,
    {
      apiVersion: 'orderplane.dev/v1alpha1',
      kind: 'Migration',
      metadata: { name, namespace },
      spec: {
        platformRef: { name: platform.name },
        engine: 'postgres',
        database,
        source: { configMapRef: { name } },
      },
    } as KubeObject,
    ...withPlatformSpec(example, (spec) =>
      withService(spec, {
        name: service,
        image: cluster.ownServiceImage,
        command: ['node', '-e', program],
        port: 9091,
        env: [{ name: 'EDITION', value: requiredVersion }],
        needs: [{ postgres: { database, access: 'ReadWrite' } }],
        requires: [{ migration: name, version: requiredVersion }],
      }),
    ),
  ];
}

/** What a client sees that has not connected before. */
const edition = async () => {
  const url = `http://${await platform.serviceAddress(component)}:9091`;
  return (await fetch(url, { headers: { connection: 'close' } })).text();
};
const migrationAt = (found: Migration | undefined, version: string) =>
  holds(found, 'Ready') && found?.status?.currentVersion === version;

test('a service that requires a migration of 20 s rolls after it, and not before', async () => {
  const { client } = cluster;
  await cluster.apply(await manifests(files, '0001'));
  await waitForObject(
    client,
    Deployments,
    { namespace, name: component },
    (found) => found?.status?.availableReplicas === 1,
    {
      timeoutMs: 90_000,
      what: 'availability of the first version',
    },
  );
  expect(await edition()).toBe('0001');

  const applied = performance.now();
  await cluster.apply(await manifests(slowFiles, '0002'));
  // Everything that is seen of ReplicaSets from here on, with what the Migration says at that moment.
  const secondReplicaSet = waitForObjects(
    client,
    ReplicaSets,
    { namespace, labelSelector },
    async (sets) => (sets.length > 1 ? { migration: await client.get(Migrations, schema) } : undefined),
    { timeoutMs: 120_000, what: 'the second ReplicaSet' },
  );
  await using postgres = await connectPostgres(platform, { database });
  await eventually(
    async () => {
      const query = "select from pg_stat_activity where query like '%pg_sleep%' and pid <> pg_backend_pid()";
      return (await postgres.query(query)).rowCount === 1;
    },
    { timeoutMs: 30_000, what: 'the sleep of the migration' },
  );
  expect((await client.list(ReplicaSets, { namespace, labelSelector })).items).toHaveLength(1);
  expect(await edition()).toBe('0001');

  const { migration } = await secondReplicaSet;
  figure(
    'apply → second ReplicaSet',
    `${((performance.now() - applied) / 1000).toFixed(1)} s, of them ${SLEEP_SECONDS} s asleep`,
  );
  expect(performance.now() - applied).toBeGreaterThan(SLEEP_SECONDS * 1000);
  expect(migrationAt(migration, '0002')).toBe(true);
  await eventually(async () => (await edition()) === '0002', { timeoutMs: 60_000, what: 'the rollout' });
}, 240_000);
