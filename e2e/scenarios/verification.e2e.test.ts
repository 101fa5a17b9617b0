/** Ready means business: a platform whose orders do not get through is not Ready, and says where they stop. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { OrderPlatforms } from '@orderplane/operator/api/v1alpha1/index.ts';
import type { KubeObject } from '@orderplane/operator/runtime/index.ts';
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

/** Commands instead of order-query's own. */
const BROKEN = {
  crashing: 'process.exit(1)',
  /** Passes its probes and does nothing. */
  deaf: "process.on('SIGTERM', () => process.exit()); require('http').createServer((request, response) => response.end('ok')).listen(8081)",
};
const platforms = {
  crashing: await applyUltralight(cluster, { namespace, name: 'crashing' }, withOrderQuery(BROKEN.crashing)),
  deaf: await applyUltralight(cluster, { namespace, name: 'deaf' }, withOrderQuery(BROKEN.deaf)),
};

function withOrderQuery(program: string): (objects: KubeObject[]) => KubeObject[] {
  const service = { name: 'order-query', command: ['node', '-e', program] };
  return (objects) => withPlatformSpec(objects, (spec) => withService(spec, service));
}

describe('OrderFlowVerified of a fresh platform is False and names order-query', () => {
  test.each([
    ['does not start', platforms.crashing, 'HopNotAvailable', 'False'],
    ['starts, passes its probes, and hears nothing', platforms.deaf, 'ReadModelTimeout', 'True'],
  ] as const)(
    'when that %s',
    async (_sentence, platform, reason, servicesAvailable) => {
      // Until the other services are there as well, Ready names what is missing before this.
      const isVerdict = (found: KubeObject | undefined) => {
        const [verdict, ready] = [conditionOf(found, 'OrderFlowVerified'), conditionOf(found, 'Ready')];
        const named = [verdict, ready].every((condition) => condition?.message.includes('order-query'));
        return named && verdict?.reason === reason && found;
      };
      const found = await waitForObject(cluster.client, OrderPlatforms, platform, isVerdict, {
        timeoutMs: 180_000,
        what: 'the verdict on the order flow',
      });
      expect(conditionOf(found, 'OrderFlowVerified')?.status).toBe('False');
      expect(conditionOf(found, 'ServicesAvailable')?.status).toBe(servicesAvailable);
      expect(conditionOf(found, 'Ready')?.status).toBe('False');
    },
    240_000,
  );
});
