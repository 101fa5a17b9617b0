/** examples/migrations, step by step as its README has it: what destroys waits for an approval, and the platform says so. */
import { randomBytes } from 'node:crypto';
import { afterAll, expect, test } from '@jest/globals';
import { Migrations, OrderPlatforms, type Migration } from '@orderplane/operator/api/v1alpha1/index.ts';
import type { MigrationReport } from '@orderplane/operator/cli/migrations/report.ts';
import type { KubeObject } from '@orderplane/operator/runtime/index.ts';
import { figure, openCluster } from '../harness/cluster.ts';
import { conditionOf, holds } from '../harness/conditions.ts';
import { exampleManifests } from '../harness/manifests.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { connectPostgres } from '../harness/stores.ts';
import { waitForObject } from '../harness/watching.ts';

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'rough');
const { namespace } = platform;
// A database of its own for each run: what has been applied to one stays applied.
const database = `customers_${randomBytes(3).toString('hex')}`;
const name = `${platform.name}-${database.replace('_', '-')}`;

afterAll(async () => {
  await cluster.client.delete(Migrations, { namespace, name });
  await cluster.close();
});

/** What a step applies, for the database of this run. */
async function step(folder: string): Promise<KubeObject[]> {
  const objects = (await exampleManifests(folder, platform)) as Migration[];
  return objects.map((object) => ({ ...object, metadata: { namespace, name }, spec: { ...object.spec, database } }));
}

const becomes = (reason: string) =>
  waitForObject(
    cluster.client,
    Migrations,
    { namespace, name },
    (found) => {
      const ready = conditionOf(found, 'Ready');
      const isCurrent = ready?.observedGeneration === found?.metadata.generation;
      return isCurrent && ready?.reason === reason && found;
    },
    { timeoutMs: 90_000, what: `${reason} of Migration ${name}` },
  );

const shown = async () =>
  JSON.parse((await cluster.orderplane(['migrations', name, '-n', namespace, '-o', 'json'])).stdout) as MigrationReport;

test('a column is split in two on a platform that runs, and the old one goes when somebody has approved it', async () => {
  const applied = performance.now();
  await cluster.apply(await step('examples/migrations'));
  expect((await becomes('UpToDate')).status?.currentVersion).toBe('0003');
  figure('three files on a database of its own, kubectl apply → Ready', `${((performance.now() - applied) / 1000).toFixed(1)} s`); // prettier-ignore

  await using postgres = await connectPostgres(platform, { database });
  const rows = async (columns: string) => (await postgres.query(`SELECT ${columns} FROM customers ORDER BY id`)).rows;
  expect(await rows('full_name, given_name, family_name')).toContainEqual({ full_name: 'Grace Hopper', given_name: 'Grace', family_name: 'Hopper' }); // prettier-ignore
  // A release that does not know the new columns yet.
  await postgres.query("INSERT INTO customers (full_name) VALUES ('Barbara Liskov')");
  expect(await rows('given_name')).toContainEqual({ given_name: 'Barbara' });

  await cluster.apply(await step('examples/migrations/contract'));
  const { status } = await becomes('ApprovalRequired');
  const { planHash = '' } = status ?? {};
  const stalled = await waitForObject(
    cluster.client,
    OrderPlatforms,
    platform,
    (found) => {
      const ready = conditionOf(found, 'Ready');
      return ready?.reason === 'ApprovalRequired' && ready;
    },
    { timeoutMs: 30_000, what: 'the platform saying for what it waits' },
  );
  expect(stalled.message).toContain(`Migration ${name}: plan ${planHash} would apply 0004_contract.up.sql`);
  expect(await shown()).toMatchObject({ reason: 'ApprovalRequired', planHash, plan: { findings: [{ line: 3, rule: 'drop-used' }, { line: 4, rule: 'drop-column' }] } }); // prettier-ignore
  expect(await rows('full_name')).toHaveLength(4);

  const wrong = await cluster.orderplane(['migrations', name, '-n', namespace, '--approve', '0123456789abcdef']);
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining(`is ${planHash}, not 0123456789abcdef`)]);
  const approved = await cluster.orderplane(['migrations', name, '-n', namespace, '--approve', planHash]);
  expect(approved).toMatchObject({ code: 0 });
  expect((await becomes('UpToDate')).status?.currentVersion).toBe('0004');
  await expect(rows('full_name')).rejects.toThrow('column "full_name" does not exist');
  expect(await rows('given_name')).toHaveLength(4);
  await waitForObject(cluster.client, OrderPlatforms, platform, (found) => holds(found, 'Ready'), {
    timeoutMs: 90_000,
    what: 'the platform being Ready again',
  });
}, 300_000);
