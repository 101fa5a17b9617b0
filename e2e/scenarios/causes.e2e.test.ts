/** Each thing that keeps a platform from coming up is named in Ready.message, in the words of the one who knows it. */
import { afterAll, describe, expect, test } from '@jest/globals';
import { OrderPlatforms, type OrderPlatform } from '@orderplane/operator/api/v1alpha1/index.ts';
import { defineResource, Deployments, type KubeObject } from '@orderplane/operator/runtime/index.ts';
import { openCluster } from '../harness/cluster.ts';
import { conditionOf, holds } from '../harness/conditions.ts';
import { testNamespace } from '../harness/platform.ts';
import { waitForObject } from '../harness/watching.ts';

const cluster = await openCluster();
const namespaces: string[] = [];

afterAll(async () => {
  for (const namespace of namespaces) await cluster.dropNamespace(namespace);
  await cluster.close();
});

/** A service that is one line of JavaScript. */
const running = (program: string, fields: object = {}) => ({
  services: [
    { name: 'reports', image: cluster.ownServiceImage, command: ['node', '-e', program], port: 9000, ...fields },
  ],
});
const SERVES = 'const server = require("net").createServer().listen(9000)';
const says = (level: number, msg: string) => `console.log(${JSON.stringify(JSON.stringify({ level, msg }))})`;

const platform = (namespace: string, spec: object) =>
  ({
    apiVersion: 'orderplane.dev/v1alpha1',
    kind: 'OrderPlatform',
    metadata: { name: 'shop', namespace },
    spec,
  }) as KubeObject;

async function applied(name: string, spec: object): Promise<string> {
  const namespace = await testNamespace(cluster, name);
  namespaces.push(namespace);
  await cluster.apply([platform(namespace, spec)]);
  return namespace;
}

const becomes = <A>(namespace: string, what: string, ask: (platform: OrderPlatform | undefined) => A | false) =>
  waitForObject(cluster.client, OrderPlatforms, { namespace, name: 'shop' }, ask, { timeoutMs: 90_000, what });

const named = (namespace: string, cause: RegExp) =>
  becomes(namespace, `a message like ${String(cause)}`, (platform) =>
    cause.test(conditionOf(platform, 'Ready')?.message ?? ''),
  );

describe('Ready.message names', () => {
  test.each<[string, string, object, RegExp]>([
    ['an image that is not there', 'cause-image', { services: [{ name: 'reports', image: 'registry.invalid/nothing:1', port: 9000 }] }, /pod shop-reports-\S+ cannot pull image registry\.invalid\/nothing:1: .*no such host/],
    ['the error before a crash, whatever was logged after it', 'cause-crash', running(`${says(60, 'no such table: orders, password=hunter22')}; for (let i = 0; i < 90; i++) ${says(20, 'handled')}; process.exit(1)`), /pod shop-reports-\S+ keeps crashing \(main: exit code 1\): no such table: orders, password=\*\*\*$/],
    ['the head of a stack', 'cause-stack', running('null.x'), /keeps crashing \(main: exit code 1\): TypeError: Cannot read properties of null/],
    ['what the kubelet says of a probe that fails', 'cause-probe', running(`${SERVES}; setTimeout(() => server.close(), 5_000); setInterval(() => {}, 1_000)`), /pod shop-reports-\S+ is not ready: Readiness probe failed: dial tcp .*: connect: connection refused/],
    ['what the scheduler says of a pod that fits nowhere', 'cause-scheduler', running(SERVES, { resources: { requests: { cpu: 500 }, limits: { cpu: 500 } } }), /cannot be scheduled: 0\/1 nodes are available: 1 Insufficient cpu/],
    ['a storage class that does not exist', 'cause-class', { stores: { postgres: { managed: { storage: '1Gi', storageClassName: 'fast' } } } }, /pod shop-postgres-0 waits for volume claim data-shop-postgres-0: storageclass\.storage\.k8s\.io "fast" not found/],
  ])('%s', async (_, name, spec, cause) => {
    await named(await applied(name, spec), cause);
  }, 120_000); // prettier-ignore

  test('a quota that refuses its pods', async () => {
    const namespace = await testNamespace(cluster, 'cause-quota');
    namespaces.push(namespace);
    const quota = { apiVersion: 'v1', kind: 'ResourceQuota', metadata: { name: 'none', namespace }, spec: { hard: { pods: '0' } } };
    await cluster.apply([quota as KubeObject]);
    const Quotas = defineResource<KubeObject & { status?: { hard?: object } }>('v1', 'ResourceQuota', 'resourcequotas');
    const counted = { timeoutMs: 30_000, what: 'the quota to be counted' };
    await waitForObject(cluster.client, Quotas, { namespace, name: 'none' }, (found) => found?.status?.hard, counted);
    await cluster.apply([platform(namespace, running(SERVES))]);
    await named(namespace, /cannot create pods: pods "shop-reports-\S+" is forbidden: exceeded quota: none/);
  }, 120_000); // prettier-ignore
});

test('a version that does not come up is taken back, and its last words are told', async () => {
  const namespace = await applied('cause-return', { ...running(SERVES), progressDeadlineSeconds: 10 });
  await becomes(namespace, 'Ready', (platform) => holds(platform, 'Ready'));
  const broken = running('process.stderr.write("fatal: this version is broken\\n"); process.exit(3)');
  await cluster.client.mergePatch(OrderPlatforms, { namespace, name: 'shop' }, { spec: broken });
  const stalled = await becomes(namespace, 'RolloutFailed', (platform) => {
    const condition = conditionOf(platform, 'Stalled');
    return condition?.reason === 'RolloutFailed' && condition;
  });
  expect(stalled.message).toMatch(/reports was returned to its previous version, .*fatal: this version is broken/);
  const live = await cluster.client.get(Deployments, { namespace, name: 'shop-reports' });
  expect(live?.spec?.template.spec?.containers[0]?.command).toEqual(['node', '-e', SERVES]);
  expect(live?.status?.availableReplicas).toBe(1);
}, 120_000);
