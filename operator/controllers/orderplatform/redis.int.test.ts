import { expect, test } from '@jest/globals';
import { OrderPlatforms } from '../../api/v1alpha1/index.ts';
import { secretValue } from '../../resources/credentials.ts';
import { Deployments, Jobs, Secrets, StatefulSets } from '../../runtime/index.ts';
import { eventually } from '../testing/eventually.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';

const { cluster, platforms } = await sharedCluster();
cluster.startOperator();

const own = (optional = false) => ({
  name: 'carts',
  image: 'registry.example/carts:1',
  needs: [{ redis: {}, optional }],
});
const managed = { redis: { managed: {} } } as never;

const secretOf = (namespace: string, name: string) => cluster.client.get(Secrets, { namespace, name });
const variables = async (namespace: string) =>
  (await cluster.client.get(Deployments, { namespace, name: 'shop-carts' }))?.spec?.template.spec?.containers[0]?.env?.map(({ name }) => name) ?? []; // prettier-ignore

/** What each run of the provision Job was told, oldest first. */
async function provisioned(namespace: string): Promise<{ users: object[]; ended: string[] }[]> {
  const { items } = await cluster.client.list(Jobs, { namespace, labelSelector: 'orderplane.dev/run-of=provision-redis' });
  const inputs = items.map(async ({ metadata }) => {
    const config = await cluster.client.raw(`/api/v1/namespaces/${namespace}/configmaps/${metadata.name}`);
    const { users, ended = [] } = JSON.parse(JSON.parse(config).data['input.json']).redis;
    return { run: Number(metadata.labels?.['orderplane.dev/run']), users, ended };
  });
  return (await Promise.all(inputs)).toSorted((a, b) => a.run - b.run).map(({ users, ended }) => ({ users, ended }));
} // prettier-ignore

test('a service gets a user of its own, for its own keys, and another with each rotation', async () => {
  const namespace = await cluster.namespace();
  await platforms.create(namespace, { stores: managed, services: [own()] });
  await platforms.ready(namespace);
  expect(secretValue(await secretOf(namespace, 'shop-redis-admin'), 'uri')).toMatch(/^redis:\/\/default:[\w-]{32}@shop-redis\.\S+\.svc:6379$/);
  expect(secretValue(await secretOf(namespace, 'shop-carts-redis'), 'uri')).toMatch(/^redis:\/\/carts_1:[\w-]{32}@shop-redis\.\S+\.svc:6379$/);
  expect(await variables(namespace)).toContain('REDIS_URI');
  expect(await provisioned(namespace)).toEqual([{ users: [{ name: 'carts_1', prefix: 'carts:' }], ended: [] }]);

  await cluster.client.mergePatch(OrderPlatforms, { namespace, name: 'shop' }, { metadata: { annotations: { 'orderplane.dev/rotate': 'monday' } } });
  await eventually('rotated', async () => (await platforms.read(namespace)).status?.lastHandledRotation === 'monday');
  expect(secretValue(await secretOf(namespace, 'shop-carts-redis'), 'username')).toBe('carts_2');
  expect((await provisioned(namespace)).at(-1)).toEqual({ users: [{ name: 'carts_2', prefix: 'carts:' }], ended: ['carts_1'] });
}, 60_000); // prettier-ignore

test('a service that needs it optionally runs without, is rolled when it comes, and waits for nothing of it', async () => {
  const namespace = await cluster.namespace();
  await cluster.kubelet.behave(/^shop-redis-/, { kind: 'hold' });
  await platforms.create(namespace, { services: [own(true)] });
  await platforms.ready(namespace);
  expect(await variables(namespace)).not.toContain('REDIS_URI');

  await platforms.change(namespace, { stores: managed });
  await eventually('it is told of Redis', async () => (await variables(namespace)).includes('REDIS_URI'));
  expect(await platforms.becomes(namespace, 'ServicesAvailable', { status: 'True' })).toBeDefined();
  expect(await platforms.condition(namespace, 'StoresReady')).toMatchObject({ status: 'False', reason: 'StoreNotReady' });
  await cluster.kubelet.behave(/^shop-redis-/, { kind: 'run' });
  await platforms.ready(namespace);
}, 60_000); // prettier-ignore

test('a password of the administrator that was lost is made anew, and set as the pod restarts', async () => {
  const namespace = await cluster.namespace();
  await platforms.create(namespace, { stores: managed, services: [own()] });
  await platforms.ready(namespace);
  const template = async () =>
    (await cluster.client.get(StatefulSets, { namespace, name: 'shop-redis' }))?.spec?.template.metadata?.annotations;
  const before = await template();
  await cluster.client.delete(Secrets, { namespace, name: 'shop-redis-admin' });
  await eventually('its pod is told', async () => JSON.stringify(await template()) !== JSON.stringify(before));
  await platforms.ready(namespace);
  expect(await secretOf(namespace, 'shop-redis-admin')).toBeDefined();
}, 60_000);
