/** From `kubectl apply` to the first order, with nothing done by hand in between. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { openCluster } from '../harness/cluster.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { testSmallestShop } from '../harness/smallest-shop.ts';

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'calm');

afterAll(() => cluster.close());

describe('the ultralight example, applied by kubectl', () => {
  test('is Ready for kubectl wait and by its printer columns, with all of its services', async () => {
    const object = [`orderplatform/${platform.name}`, '-n', platform.namespace];
    await cluster.kubectl(['wait', '--for=condition=Ready', '--timeout=10s', ...object]);
    const table = await cluster.kubectl(['get', ...object]);
    expect(table).toMatch(/NAME\s+READY\s+STATUS\s+SERVICES\s+VERSION\s+URL\s+AGE/);
    expect(table).toMatch(/calm\s+True\s+\S+\s+5\/5\s+0\.1\.0/);
  });

  test('has restarted no pod', async () => {
    const pods = await platform.pods();
    const restarts = pods.flatMap(({ metadata, status }) =>
      (status?.containerStatuses ?? []).map(({ restartCount }) => [metadata.name, restartCount]),
    );
    expect(restarts.length).toBeGreaterThanOrEqual(8);
    expect(restarts.filter(([, count]) => count !== 0)).toEqual([]);
  });

  testSmallestShop(platform);
});
