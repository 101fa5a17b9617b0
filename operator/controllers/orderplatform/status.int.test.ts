/** What the status says of a platform that does not come up, on a real API server. */
import { describe, expect, test } from '@jest/globals';
import { STAGES } from '../../api/v1alpha1/index.ts';
import { defineResource, Events, findCondition, Pods, toKubeTime, type Pod } from '../../runtime/index.ts';
import { eventually } from '../testing/eventually.ts';
import { VOLUME } from '../testing/platforms.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';

const { cluster, platforms } = await sharedCluster();
let operator = cluster.startOperator();

const Quotas = defineResource('v1', 'ResourceQuota', 'resourcequotas');
const reports = { name: 'reports', image: 'registry.example/reports:1', port: 9000 };

/** Waits until Ready's message is as wanted: the cause may be known only after a while. */
const readyMessage = (namespace: string, wanted: RegExp) =>
  eventually(
    `Ready.message is like ${String(wanted)}`,
    async () => wanted.test((await platforms.condition(namespace, 'Ready'))?.message ?? ''),
    async () => (await platforms.read(namespace)).status?.conditions,
  );

const podOf = async (namespace: string, name: RegExp): Promise<Pod> =>
  eventually(`a pod like ${String(name)} runs`, async () =>
    (await cluster.client.list(Pods, { namespace })).items.find(
      (pod) => name.test(pod.metadata.name) && pod.status?.phase === 'Running',
    ),
  );

describe('Ready.message names', () => {
  test.each([
    ['a quota that refuses the pods of a service', { services: [reports] }, /reports is not available: cannot create pods: pods "shop-reports-\S+" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0/],
    ['a quota that refuses the pod of a store', { stores: { postgres: VOLUME } }, /postgres is not ready: cannot create pods: create Pod shop-postgres-0 in StatefulSet shop-postgres failed error: .* exceeded quota/i],
  ])('%s', async (_, spec, wanted) => {
    const namespace = await cluster.namespace();
    const quota = { metadata: { name: 'none', namespace }, spec: { hard: { pods: '0' } } };
    await cluster.client.create(Quotas, quota);
    await eventually('the quota is counted', async () => ((await cluster.client.get(Quotas, { namespace, name: 'none' })) as { status?: { hard?: object } } | undefined)?.status?.hard !== undefined);
    await platforms.create(namespace, spec);
    await readyMessage(namespace, wanted);
  }, 60_000); // prettier-ignore

  test('what the kubelet says of the probe, after a node went down, and not how the containers ended', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { services: [reports] });
    await platforms.ready(namespace);
    const { metadata } = await podOf(namespace, /^shop-reports-/);
    const startedAt = toKubeTime(new Date(Date.now() - 10_000));
    await cluster.kubelet.behave(new RegExp(`^${metadata.name}$`), {
      kind: 'says',
      called: 'back after its node went down',
      status: {},
      container: {
        ready: false,
        started: true,
        restartCount: 1,
        state: { running: { startedAt } },
        lastState: { terminated: { exitCode: 255, reason: 'Unknown', startedAt, finishedAt: startedAt } },
      },
    });
    await readyMessage(namespace, /reports is not available: pod \S+ runs, but is not ready$/);
    const now = new Date().toISOString().replace('Z', '000Z');
    const note = 'Readiness probe failed: dial tcp 10.1.0.7:9000: connect: connection refused';
    const regarding = { apiVersion: 'v1', kind: 'Pod', name: metadata.name, namespace, uid: metadata.uid };
    await cluster.client.create(Events, {
      metadata: { name: `${metadata.name}.1`, namespace },
      eventTime: now,
      type: 'Warning',
      reason: 'Unhealthy',
      action: 'Probing',
      note,
      regarding,
      reportingController: 'kubelet',
      reportingInstance: 'node',
    });
    await readyMessage(namespace, /reports is not available: pod \S+ is not ready: Readiness probe failed: dial tcp/);
  }, 60_000);
});

describe('a platform that does not get on', () => {
  test('is Stalled after its deadline, also under an operator that starts anew, and no more once it gets on', async () => {
    const namespace = await cluster.namespace();
    await cluster.kubelet.behave(/^shop-reports-/, { kind: 'hold' });
    await platforms.create(namespace, { services: [reports], progressDeadlineSeconds: 5 });
    const waits = await platforms.becomes(namespace, 'Reconciling', { status: 'True' });
    const since = await eventually('what waits is recorded, with a pod that is updated', async () => {
      const [waiting] = (await platforms.read(namespace)).status?.waiting ?? [];
      return waiting?.done === 1 && waiting.since;
    });
    await operator.kill();
    operator = cluster.startOperator();
    const stalled = await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'ProgressDeadlineExceeded' });
    expect(stalled.message).toMatch(/^ServicesAvailable has not got on for 5 s, and is tried on: 0 of 1 services are available/);
    const { status } = await platforms.read(namespace);
    expect(status?.waiting).toEqual([{ stage: 'ServicesAvailable', since, done: 1 }]);
    expect(findCondition(status?.conditions, 'Reconciling')).toBeUndefined();
    expect(findCondition(status?.conditions, 'Ready')).toMatchObject({ status: 'False', reason: waits.reason });
    await cluster.kubelet.behave(/^shop-reports-/, { kind: 'run' });
    await platforms.ready(namespace);
    expect((await platforms.read(namespace)).status?.waiting).toBeUndefined();
    expect(await platforms.condition(namespace, 'Stalled')).toBeUndefined();
  }, 60_000); // prettier-ignore

  test('has every stage in its conditions from the first look on, Unknown where nothing is known', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { services: [{ name: 'orders' }] });
    await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'InvalidSpec' });
    const { status, metadata } = await platforms.read(namespace);
    for (const stage of STAGES) {
      expect(findCondition(status?.conditions, stage)).toMatchObject({ status: 'Unknown', observedGeneration: metadata.generation });
    }
  }, 60_000); // prettier-ignore
});

test('a platform that comes up tells each transition once', async () => {
  const namespace = await cluster.namespace();
  await platforms.create(namespace, {
    stores: { postgres: VOLUME },
    broker: { nats: VOLUME },
    services: [{ name: 'inventory' }],
  });
  await platforms.ready(namespace);
  await operator.idle();
  const { items } = await cluster.client.list(Events, { namespace });
  const ours = items.filter(({ regarding }) => regarding?.kind === 'OrderPlatform');
  const said = ours.map(({ action, reason }) => `${action} ${reason}`);
  expect(said).toEqual([...new Set(said)]);
  expect(said).toContain('Ready Ready');
  expect(said.filter((each) => each.includes('NotRequested'))).toEqual([]);
}, 60_000);
