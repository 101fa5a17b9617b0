/** Ready means business: a platform whose pods are all well, but whose orders do not get through, is not Ready, and says where. */
import { afterAll, expect, test } from '@jest/globals';
import { OrderPlatforms } from '@orderplane/operator/api/v1alpha1/index.ts';
import { openCluster } from '../harness/cluster.ts';
import { conditionOf } from '../harness/conditions.ts';
import { withPlatformSpec, withService } from '../harness/manifests.ts';
import { applyUltralight, testNamespace } from '../harness/platform.ts';
import { waitForObject } from '../harness/watching.ts';

const cluster = await openCluster();
const namespace = await testNamespace(cluster, 'verification');

afterAll(async () => {
  await cluster.dropNamespace(namespace);
  await cluster.close();
});

/** An order-query that passes its probes and does nothing. */
const DEAF = "require('http').createServer((request, response) => response.end('ok')).listen(8081)";

test('with order-query broken, OrderFlowVerified of a fresh platform is False and names it', async () => {
  const platform = await applyUltralight(cluster, { namespace, name: 'shop' }, (objects) =>
    withPlatformSpec(objects, (spec) => withService(spec, { name: 'order-query', command: ['node', '-e', DEAF] })),
  );
  const found = await waitForObject(
    cluster.client,
    OrderPlatforms,
    platform,
    (object) => conditionOf(object, 'OrderFlowVerified')?.reason === 'ReadModelTimeout' && object,
    { timeoutMs: 180_000, what: 'the verdict on the order flow' },
  );
  expect(conditionOf(found, 'ServicesAvailable')?.status).toBe('True');
  const named = expect.stringContaining('order-query');
  expect(conditionOf(found, 'OrderFlowVerified')).toMatchObject({ status: 'False', message: named });
  expect(conditionOf(found, 'Ready')).toMatchObject({
    status: 'False',
    message: named,
  });
}, 240_000);
