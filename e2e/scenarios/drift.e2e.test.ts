/** What somebody changes or deletes is put back, whatever else is wrong at the time. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { OrderPlatforms } from '@orderplane/operator/api/v1alpha1/index.ts';
import { Deployments, Pods, Services } from '@orderplane/operator/runtime/index.ts';
import { figure, openCluster } from '../harness/cluster.ts';
import { conditionOf } from '../harness/conditions.ts';
import { holdDown } from '../harness/kill.ts';
import { sharedPlatform } from '../harness/platform.ts';
import { STRAY_PORT } from '../harness/stray-port.ts';
import { waitForObject } from '../harness/watching.ts';

/** Far above what is wanted (2 s): this is a test of the repair, the figure beside it is the measurement. */
const PATIENCE_MS = 10_000;

const cluster = await openCluster();
const platform = await sharedPlatform(cluster, 'rough');
const { client } = cluster;
const { namespace } = platform;

afterAll(() => cluster.close());

async function deleteDeployment(component: string): Promise<number> {
  const key = { namespace, name: `${platform.name}-${component}` };
  const { uid } = (await client.get(Deployments, key))!.metadata;
  const started = performance.now();
  expect(await client.delete(Deployments, key, { uid })).toBe(true);
  await waitForObject(client, Deployments, key, (found) => found !== undefined && found.metadata.uid !== uid, {
    timeoutMs: PATIENCE_MS,
    what: `another Deployment ${key.name}`,
  });
  return performance.now() - started;
}

async function editServicePort(component: string): Promise<number> {
  const key = { namespace, name: `${platform.name}-${component}` };
  const wanted = (await client.get(Services, key))!.spec?.ports;
  const started = performance.now();
  const astray = { name: 'http', port: STRAY_PORT, targetPort: STRAY_PORT };
  await client.mergePatch(Services, key, { spec: { ports: [astray] } });
  await waitForObject(client, Services, key, (found) => JSON.stringify(found?.spec?.ports) === JSON.stringify(wanted), {
    timeoutMs: PATIENCE_MS,
    what: `the ports of Service ${key.name}`,
  });
  return performance.now() - started;
}

const inMs = (ms: number) => `${Math.round(ms)} ms`;

describe('drift', () => {
  test('a deleted Deployment is back', async () => {
    figure('deleted Deployment → there again', inMs(await deleteDeployment('storefront')));
  });

  test("an edited Service's port is back", async () => {
    figure('edited Service port → as it was', inMs(await editServicePort('gateway')));
  });

  test('both are while Postgres is down', async () => {
    const end = new AbortController();
    const down = holdDown(
      async () => {
        const pod = await client.get(Pods, { namespace, name: `${platform.name}-postgres-0` });
        const containerId = pod?.status?.containerStatuses?.[0]?.containerID;
        return containerId ? { containerId } : undefined;
      },
      120_000,
      end.signal,
    );
    try {
      await waitForObject(
        client,
        OrderPlatforms,
        platform,
        (found) => conditionOf(found, 'StoresReady')?.status === 'False',
        {
          timeoutMs: 60_000,
          what: 'the news that Postgres is down',
        },
      );
      figure('deleted Deployment → there again, Postgres down', inMs(await deleteDeployment('storefront')));
      figure('edited Service port → as it was, Postgres down', inMs(await editServicePort('gateway')));
    } finally {
      end.abort();
      await down;
    }
    await platform.waitReady();
  }, 240_000);
});
