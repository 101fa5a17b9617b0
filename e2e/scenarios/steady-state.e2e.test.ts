/** A seed runs when it is changed, and only then; and an operator with nothing to do does nothing. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, test } from '@jest/globals';
import { SeedJobs, type SeedJob } from '@orderplane/operator/api/v1alpha1/index.ts';
import { Jobs } from '@orderplane/operator/runtime/index.ts';
import { describeRequest } from '../harness/audit.ts';
import { figure, openCluster } from '../harness/cluster.ts';
import { holds } from '../harness/conditions.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { connectPostgres } from '../harness/stores.ts';
import { waitForObject } from '../harness/watching.ts';

const WINDOW_MS = 60_000;

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'rough');
const key = { namespace: platform.namespace, name: `${platform.name}-products` };

afterAll(() => cluster.close());

const seedRuns = async () => {
  const { items } = await cluster.client.list(Jobs, { namespace: key.namespace });
  return items.filter(({ metadata }) =>
    metadata.ownerReferences?.some(({ kind, name }) => kind === 'SeedJob' && name === key.name),
  ).length;
};

describe('a platform that is Ready', () => {
  test('is seeded again, once, when its SeedJob is edited after somebody deleted the row', async () => {
    const edited = new Date();
    await using postgres = await connectPostgres(platform, { database: 'inventory' });
    expect((await postgres.query("delete from products where id = 'p1'")).rowCount).toBe(1);
    const before = (await cluster.client.get(SeedJobs, key)) as SeedJob;
    const runsBefore = before.status?.runs?.length ?? 0;

    const revision = `after a deletion, ${new Date().toISOString()}`;
    await cluster.kubectl([
      'patch',
      'seedjob',
      key.name,
      '-n',
      key.namespace,
      '--type=merge',
      '-p',
      JSON.stringify({ spec: { revision } }),
    ]);
    const after = await waitForObject(
      cluster.client,
      SeedJobs,
      key,
      (found) => found?.metadata.generation !== before.metadata.generation && holds(found, 'Ready') && found,
      { timeoutMs: 60_000, what: 'the second run of the seed' },
    );
    expect(after.status?.runs).toHaveLength(Math.min(10, runsBefore + 1));
    expect(after.status?.runs?.[0]?.datasets).toEqual([
      { name: 'products', inserted: 1, updated: 0, skipped: 0, deleted: 0 },
    ]);
    const { rows } = await postgres.query("select id, name, price from products where id = 'p1'");
    expect(rows).toEqual([{ id: 'p1', name: 'Widget', price: 199 }]);
    // The next test counts on the audit log: it has to show what the operator did here.
    const creations = (await cluster.operator.mutations(edited)).filter(
      ({ resource, status }) => resource === 'jobs' && status === 201,
    );
    expect(creations).toHaveLength(1);
  }, 90_000);

  test('sees no mutating request of the operator in 60 s after it has listed everything anew', async () => {
    await platform.waitReady();
    await cluster.settled();
    const jobs = await seedRuns();
    await cluster.operator.ready();
    const since = new Date();
    // A restart is the hardest relist: it has no memory of what it applied.
    await cluster.operator.kill();
    await delay(WINDOW_MS);
    const requests = await cluster.operator.mutations(since);
    figure('mutating requests of the operator in 60 s after a relist', String(requests.length));
    expect(requests.map(describeRequest)).toEqual([]);
    expect(await seedRuns()).toBe(jobs);
  }, 150_000);
});
