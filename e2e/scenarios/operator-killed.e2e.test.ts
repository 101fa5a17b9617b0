/** kill -9 of the operator, again and again, while a platform comes up. */
import { afterAll, expect, test } from '@jest/globals';
import { OrderPlatforms, SeedJobs } from '@orderplane/operator/api/v1alpha1/index.ts';
import { Jobs } from '@orderplane/operator/runtime/index.ts';
import { describeRequest } from '../harness/audit.ts';
import { figure, openCluster } from '../harness/cluster.ts';
import { conditionOf, holds } from '../harness/conditions.ts';
import { applyUltralight, testNamespace } from '../harness/platform.ts';
import { connectPostgres } from '../harness/stores.ts';
import { waitForObject } from '../harness/watching.ts';

const cluster = await openCluster();
const namespace = await testNamespace(cluster, 'operator-killed');

afterAll(async () => {
  await cluster.dropNamespace(namespace);
  await cluster.close();
});

/** Killed as soon as each of these holds: while the next stage's objects are being written. */
const MOMENTS = ['CredentialsReady', 'StoresReady', 'DatabasesReady', 'SchemaCurrent', 'ServicesAvailable'];

test('the platform comes up all the same, and nothing was made twice', async () => {
  const since = new Date();
  const started = performance.now();
  const platform = await applyUltralight(cluster, { namespace, name: 'shop' });
  for (const moment of MOMENTS) {
    await waitForObject(
      cluster.client,
      OrderPlatforms,
      platform,
      (found) => conditionOf(found, moment)?.status === 'True' || holds(found, 'Ready'),
      { timeoutMs: 120_000, what: `${moment} before a kill` },
    );
    await cluster.operator.kill();
  }
  await platform.waitReady();
  figure(
    `apply → Ready with ${MOMENTS.length} kills of the operator`,
    `${((performance.now() - started) / 1000).toFixed(1)} s`,
  );

  const own = (await cluster.operator.mutations(since)).filter((request) => request.namespace === namespace);
  const creations = own.filter(({ status, resource }) => status === 201 && resource !== 'events').map(describeRequest);
  expect(creations.length).toBeGreaterThan(20);
  expect(creations.toSorted()).toEqual([...new Set(creations)].toSorted());
  expect(own.filter(({ verb }) => verb === 'delete' || verb === 'deletecollection').map(describeRequest)).toEqual([]);

  // One Job for each purpose: the run's number, which ends its name, is 1 for all of them.
  const { items: jobs } = await cluster.client.list(Jobs, { namespace });
  const purposes = jobs.map(({ metadata }) => metadata.name.replace(/-[0-9a-f]+-\d+$/, ''));
  expect(purposes.toSorted()).toEqual([...new Set(purposes)].toSorted());
  const seed = await cluster.client.get(SeedJobs, { namespace, name: 'shop-products' });
  expect(seed?.status?.runs).toHaveLength(1);
  await using postgres = await connectPostgres(platform, { database: 'orders' });
  const { rows } = await postgres.query('select version from orderplane_migrations order by version');
  expect(rows).toEqual([{ version: '0001' }, { version: '0002' }]);
}, 300_000);
