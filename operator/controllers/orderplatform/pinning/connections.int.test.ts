/** What old pods may connect to while they serve on: of a change that needs less, on a real API server. */
import { expect, test } from '@jest/globals';
import type { OrderPlatform } from '../../../api/v1alpha1/index.ts';
import { podLabels, type Role } from '../../../resources/labels.ts';
import { isAllowed } from '../../../resources/testing/evaluate-flow.ts';
import { ControllerRevisions, NetworkPolicies, Pods, ReplicaSets } from '../../../runtime/index.ts';
import { eventually } from '../../testing/eventually.ts';
import { VOLUME } from '../../testing/platforms.ts';
import { sharedCluster } from '../../testing/shared-cluster.ts';

const { cluster, platforms } = await sharedCluster();
const operator = cluster.startOperator();

type Services = NonNullable<OrderPlatform['spec']['services']>;

const api = { name: 'api', image: 'api:1', port: 9000 };
const reports = (image: string, needs: object[], rest: object = {}): Services[number] => ({ name: 'reports', image, port: 9001, needs, ...rest }) as Services[number]; // prettier-ignore
const OLD = [{ postgres: { database: 'reports', access: 'ReadWrite' } }, { service: { name: 'api' } }];
const NEW = [{ broker: { publish: ['report_sent'] } }];
const PLATFORM = { stores: { postgres: VOLUME }, broker: { nats: VOLUME } };

/** What the pods of reports may connect to. */
async function open(namespace: string): Promise<string[]> {
  const { items: policies } = await cluster.client.list(NetworkPolicies, { namespace });
  const pod = (name: string, role: Role) => ({ namespace, labels: podLabels({ name: 'shop' }, name, role), ip: '10.0.0.1' });
  const [from, ...to] = [pod('reports', 'service'), pod('api', 'service'), pod('postgres', 'store'), pod('nats', 'broker')] as const;
  const ports = [9000, 5432, 4222];
  return ['api', 'postgres', 'nats'].filter((_, i) => isAllowed(policies, { from, to: to[i]!, port: ports[i]! }));
} // prettier-ignore

const imageOf = async (namespace: string) => {
  const { items } = await cluster.client.list(ReplicaSets, { namespace });
  return items.find(({ metadata, spec }) => metadata.name.startsWith('shop-reports-') && spec?.replicas)?.spec?.template
    ?.spec?.containers[0]?.image;
};

async function running(namespace: string, rest: object = {}): Promise<void> {
  await platforms.create(namespace, { ...PLATFORM, services: [api, reports('reports:1', OLD)], ...rest } as never);
  await platforms.ready(namespace);
  expect(await open(namespace)).toEqual(['api', 'postgres']);
}

test('pods that serve on while a migration is waited for connect to what they could, until they are gone', async () => {
  const namespace = await cluster.namespace();
  await running(namespace);
  const requires = [{ migration: 'extra' }];
  await platforms.change(namespace, { services: [api, reports('reports:2', NEW, { requires })] });
  await platforms.becomes(namespace, 'ServicesAvailable', { status: 'False', reason: 'WaitingForRequirement' });
  await operator.idle();
  expect(await imageOf(namespace)).toBe('reports:1');
  expect(await open(namespace)).toEqual(['api', 'postgres', 'nats']);

  await platforms.change(namespace, { services: [api, reports('reports:2', NEW)] });
  await platforms.ready(namespace);
  await eventually(
    'it may connect to what it needs, and no more',
    async () => (await open(namespace)).join() === 'nats',
    () => open(namespace),
  );
  expect(await imageOf(namespace)).toBe('reports:2');
}, 60_000);

test('the last pods of a service that is given up connect to what they could', async () => {
  const namespace = await cluster.namespace();
  await running(namespace);
  const { items: pods } = await cluster.client.list(Pods, { namespace, labelSelector: 'app.kubernetes.io/name=reports' });
  const key = { namespace, name: pods[0]?.metadata.name ?? '' };
  // As a pod that drains: nothing but this keeps it.
  await cluster.client.mergePatch(Pods, key, { metadata: { finalizers: ['example.com/draining'] } });
  await platforms.change(namespace, { services: [api] });
  await eventually('its pod is told to go', async () => (await cluster.client.get(Pods, key))?.metadata.deletionTimestamp);
  await platforms.ready(namespace);
  await operator.idle();
  expect(await open(namespace)).toEqual(['api', 'postgres']);

  await cluster.client.mergePatch(Pods, key, { metadata: { finalizers: null } });
  const left = async () => {
    const { items } = await cluster.client.list(NetworkPolicies, { namespace });
    const { items: revisions } = await cluster.client.list(ControllerRevisions, { namespace, labelSelector: 'orderplane.dev/revision-of=reports' });
    const names = [...items, ...revisions].map(({ metadata }) => metadata.name);
    return [...names.filter((name) => name.includes('reports')), ...(await open(namespace))];
  };
  await eventually('nothing is left of it', async () => (await left()).length === 0, left);
}, 60_000); // prettier-ignore

test('a version that is returned to connects to what it needs', async () => {
  const namespace = await cluster.namespace();
  await running(namespace, { progressDeadlineSeconds: 2 });
  const { items } = await cluster.client.list(ReplicaSets, { namespace });
  const old = items.find(({ metadata }) => metadata.name.startsWith('shop-reports-'))?.metadata.name;
  const container = { state: { waiting: { reason: 'ImagePullBackOff', message: 'not found' } } };
  await cluster.kubelet.behave(/^shop-reports-/, { kind: 'says', called: 'no such image', status: { phase: 'Pending' }, container });
  await cluster.kubelet.behave(new RegExp(`^${old}-`), { kind: 'run' });
  await platforms.change(namespace, { services: [api, reports('reports:2', NEW)] });
  await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'RolloutFailed' });
  await operator.idle();
  expect(await imageOf(namespace)).toBe('reports:1');
  expect(await open(namespace)).toEqual(['api', 'postgres', 'nats']);
}, 60_000); // prettier-ignore
