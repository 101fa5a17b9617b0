import { describe, expect, test } from '@jest/globals';
import { OrderPlatforms } from '../../api/v1alpha1/index.ts';
import { secretValue } from '../../resources/credentials.ts';
import { Deployments, Jobs, Pods, ReplicaSets, Secrets, StatefulSets, type Secret } from '../../runtime/index.ts';
import { eventually } from '../testing/eventually.ts';
import { ULTRALIGHT, VOLUME } from '../testing/platforms.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';

const { cluster, platforms } = await sharedCluster();
let operator = cluster.startOperator();

const rotate = (namespace: string, value: string) =>
  cluster.client.mergePatch(OrderPlatforms, { namespace, name: 'shop' }, { metadata: { annotations: { 'orderplane.dev/rotate': value } } }); // prettier-ignore

const handled = (namespace: string, value: string) =>
  eventually(
    `rotation ${value} is handled`,
    async () => (await platforms.read(namespace)).status?.lastHandledRotation === value,
    async () => [(await platforms.read(namespace)).status, (await logins(namespace)).map(describeLogin)],
  );

/** The Secrets of services' logins. */
async function logins(namespace: string): Promise<Secret[]> {
  const { items } = await cluster.client.list(Secrets, { namespace });
  return items.filter((secret) => /_[12]$/.test(secretValue(secret, 'username') ?? ''));
}

const describeLogin = (secret: Secret) =>
  `${secret.metadata.name} ${secretValue(secret, 'username')} ${secret.metadata.annotations?.['orderplane.dev/rotation-step'] ?? '-'}`;

/** What the last provision Job of a store was told. */
async function provisioned(namespace: string, store: string) {
  const { items } = await cluster.client.list(Jobs, { namespace });
  const runs = items.filter(({ metadata }) => metadata.labels?.['orderplane.dev/run-of'] === `provision-${store}`);
  const last = runs.toSorted((a, b) => Number(b.metadata.labels?.['orderplane.dev/run']) - Number(a.metadata.labels?.['orderplane.dev/run']))[0];
  const input = await cluster.client.raw(`/api/v1/namespaces/${namespace}/configmaps/${last?.metadata.name}`);
  const { roles = [], users = [], ended = [] } = JSON.parse(JSON.parse(input).data['input.json'])[store];
  return { active: [...roles, ...users].map(({ name }) => name), ended };
} // prettier-ignore

describe('rotation', () => {
  test('gives every service another role and password, in every backend, and ends the first after the rollout', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, ULTRALIGHT);
    await platforms.ready(namespace);
    const before = await logins(namespace);
    expect(before.map(describeLogin)).toEqual(['shop-inventory-nats inventory_1 -', 'shop-inventory-postgres inventory_1 -', 'shop-order-query-mongo order-query_1 -', 'shop-order-query-nats order-query_1 -', 'shop-orders-nats orders_1 -', 'shop-orders-postgres orders_1 -']);
    const rollouts = async () => (await cluster.client.list(ReplicaSets, { namespace })).items.filter(({ metadata }) => metadata.labels?.['app.kubernetes.io/name'] === 'orders').length;
    const rolledBefore = await rollouts();

    await cluster.kubelet.behave(/^shop-orders-/, { kind: 'hold' });
    await rotate(namespace, 'monday');
    await eventually('all but orders are through', async () => (await logins(namespace)).filter((each) => describeLogin(each).endsWith('_2 Ended')).length === 4, async () => (await logins(namespace)).map(describeLogin));
    const waiting = await logins(namespace);
    expect(waiting.map(describeLogin)).toEqual(expect.arrayContaining(['shop-orders-nats orders_2 Switched', 'shop-orders-postgres orders_2 Switched']));
    expect(await platforms.condition(namespace, 'CredentialsReady')).toMatchObject({ status: 'True', reason: 'Rotating' });
    await eventually('the old role of orders is kept, that of inventory is ended', async () => {
      const { active, ended } = await provisioned(namespace, 'postgres');
      return String(active) === 'inventory_2,orders_1,orders_2' && JSON.stringify(ended) === '[{"name":"inventory_1","database":"inventory"}]';
    }, () => provisioned(namespace, 'postgres'));

    await cluster.kubelet.behave(/^shop-orders-/, { kind: 'run' });
    await handled(namespace, 'monday');
    await platforms.ready(namespace);
    const after = await logins(namespace);
    expect(after.map((secret) => describeLogin(secret).split(' ').slice(1).join(' '))).toEqual(['inventory_2 Ended', 'inventory_2 Ended', 'order-query_2 Ended', 'order-query_2 Ended', 'orders_2 Ended', 'orders_2 Ended']);
    const passwords = [...before, ...after].map((secret) => secretValue(secret, 'password'));
    expect(new Set(passwords).size).toBe(12);
    for (const secret of after) {
      expect(Object.keys(secret.data ?? {}).sort()).toEqual(['password', 'uri', 'username']);
      expect(secretValue(secret, 'uri')).toContain(`${secretValue(secret, 'username')}:${secretValue(secret, 'password')}@`);
    }
    expect(await provisioned(namespace, 'mongo')).toEqual({ active: ['order-query_2'], ended: ['order-query_1'] });
    const config = await cluster.client.get(Secrets, { namespace, name: 'shop-nats-config' });
    expect(secretValue(config, 'nats.conf')?.match(/user: "[a-z-]+_[12]"/g)).toEqual(['user: "inventory_2"', 'user: "orders_2"', 'user: "order-query_2"']);
    expect(await rollouts()).toBe(rolledBefore + 1);

    await operator.idle();
    const writes = await cluster.writes(namespace);
    await rotate(namespace, 'monday');
    await operator.idle();
    expect((await cluster.writes(namespace)).slice(writes.length).filter((write) => /(secrets|deployments) /.test(write))).toEqual([]);
    await rotate(namespace, 'tuesday');
    await handled(namespace, 'tuesday');
    expect((await logins(namespace)).map((secret) => secretValue(secret, 'username'))).toEqual(['inventory_1', 'inventory_1', 'order-query_1', 'order-query_1', 'orders_1', 'orders_1']);
  }, 90_000); // prettier-ignore

  test('happens once although the operator is killed after every write', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { stores: { postgres: VOLUME }, broker: { nats: VOLUME }, services: [{ name: 'inventory' }, { name: 'orders' }] });
    await platforms.ready(namespace);
    await operator.idle();
    let seen = (await cluster.writes(namespace)).length;
    await rotate(namespace, 'x');
    const isHandled = async () => (await platforms.read(namespace)).status?.lastHandledRotation === 'x';
    let kills = 0;
    for (; !(await isHandled()); kills++) {
      await eventually('it wrote something, or was done', async () => (await cluster.writes(namespace)).length > seen || isHandled());
      seen = (await cluster.writes(namespace)).length;
      await operator.kill();
      operator = cluster.startOperator();
    }
    expect(kills).toBeGreaterThan(2);
    await platforms.ready(namespace);
    await operator.idle();
    expect((await logins(namespace)).map(describeLogin)).toEqual(['shop-inventory-nats inventory_2 Ended', 'shop-inventory-postgres inventory_2 Ended', 'shop-orders-nats orders_2 Ended', 'shop-orders-postgres orders_2 Ended']);
  }, 120_000); // prettier-ignore

  test('has happened already for a platform that is created with the request, and for a service that is added after', async () => {
    const namespace = await cluster.namespace();
    const metadata = { name: 'shop', namespace, annotations: { 'orderplane.dev/rotate': 'first' } };
    await cluster.client.create(OrderPlatforms, { metadata, spec: { stores: { postgres: VOLUME }, broker: { nats: VOLUME }, services: [{ name: 'inventory' }] } });
    await platforms.ready(namespace);
    await handled(namespace, 'first');
    await platforms.change(namespace, { services: [{ name: 'inventory' }, { name: 'mine', image: 'x', port: 9000, needs: [{ postgres: { database: 'mine', access: 'Owner' } }] }] });
    await platforms.ready(namespace);
    await operator.idle();
    expect((await logins(namespace)).map(describeLogin)).toEqual(['shop-inventory-nats inventory_1 -', 'shop-inventory-postgres inventory_1 -', 'shop-mine-postgres mine_1 -']);
  }, 60_000); // prettier-ignore
});

test('a service that is added gets its user from a broker that goes on running', async () => {
  const namespace = await cluster.namespace();
  const mine = { name: 'mine', image: 'registry.example/mine:1', port: 9000, needs: [{ broker: { publish: ['mine_made'] } }] };
  await platforms.create(namespace, { broker: { nats: VOLUME }, services: [mine] });
  await platforms.ready(namespace);
  const broker = async () => (await cluster.client.get(StatefulSets, { namespace, name: 'shop-nats' }))?.metadata.generation;
  const runs = async () => (await cluster.client.list(Jobs, { namespace })).items.filter(({ metadata }) => metadata.labels?.['orderplane.dev/run-of'] === 'provision-nats').length;
  expect([await broker(), await runs()]).toEqual([1, 0]);
  await cluster.kubelet.behave(/^shop-provision-nats/, { kind: 'hold' });
  await platforms.change(namespace, { services: [mine, { ...mine, name: 'other' }] });
  await platforms.becomes(namespace, 'BrokerReady', { status: 'False', reason: 'Running' });
  expect(await cluster.client.get(Deployments, { namespace, name: 'shop-other' })).toBeUndefined();
  await cluster.kubelet.behave(/^shop-provision-nats/, { kind: 'run' });
  await platforms.ready(namespace);
  expect(await cluster.client.get(Deployments, { namespace, name: 'shop-other' })).toBeDefined();
  expect([await broker(), await runs()]).toEqual([1, 1]);
}, 60_000); // prettier-ignore

test('a store that a running service comes to need is made ready for it once', async () => {
  const namespace = await cluster.namespace();
  const mine = { name: 'mine', image: 'registry.example/mine:1' };
  const needing = { ...mine, needs: [{ postgres: { database: 'mine', access: 'ReadWrite' as const } }] };
  await platforms.create(namespace, { stores: { postgres: VOLUME }, broker: { nats: VOLUME }, services: [{ name: 'inventory' }, mine] });
  await platforms.ready(namespace);
  await platforms.change(namespace, { services: [{ name: 'inventory' }, needing] });
  await platforms.ready(namespace);
  await operator.idle();
  const runs = (await cluster.client.list(Jobs, { namespace })).items.filter(({ metadata }) => metadata.labels?.['orderplane.dev/run-of'] === 'provision-postgres');
  expect(runs.map(({ metadata }) => metadata.labels?.['orderplane.dev/run']).sort()).toEqual(['1', '2']);
  expect((await provisioned(namespace, 'postgres')).active).toEqual(['inventory_1', 'mine_1']);
}, 60_000); // prettier-ignore

describe('a lost Secret', () => {
  test('of the administrator of Postgres is made anew, for a pod that sets its password before it starts', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, {
      stores: { postgres: VOLUME },
      broker: { nats: VOLUME },
      services: [{ name: 'inventory' }],
    });
    await platforms.ready(namespace);
    const admin = () => cluster.client.get(Secrets, { namespace, name: 'shop-postgres-admin' });
    const pod = async () => (await cluster.client.get(Pods, { namespace, name: 'shop-postgres-0' }))?.metadata.uid;
    const [before, podBefore] = [secretValue(await admin(), 'password'), await pod()];
    await cluster.client.delete(Secrets, { namespace, name: 'shop-postgres-admin' });
    await eventually('another pod runs', async () => ![undefined, podBefore].includes(await pod()));
    await platforms.ready(namespace);
    const password = secretValue(await admin(), 'password');
    expect([undefined, before]).not.toContain(password);
    expect(secretValue(await admin(), 'uri')).toContain(`postgres:${password}@`);
  }, 60_000);

  test('of a service is made anew, its password set again, and the pods roll', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { stores: { postgres: VOLUME }, broker: { nats: VOLUME }, services: [{ name: 'inventory' }] });
    await platforms.ready(namespace);
    await rotate(namespace, 'x');
    await handled(namespace, 'x');
    const secret = () => cluster.client.get(Secrets, { namespace, name: 'shop-inventory-postgres' });
    const before = await secret();
    const live = () => cluster.client.get(Deployments, { namespace, name: 'shop-inventory' });
    const rolledBefore = (await live())?.metadata.generation;
    await cluster.client.delete(Secrets, { namespace, name: 'shop-inventory-postgres' });
    await eventually('it ends the role that was in use', async () => {
      const { active, ended } = await provisioned(namespace, 'postgres');
      return String(active) === 'inventory_1' && JSON.stringify(ended) === '[{"name":"inventory_2","database":"inventory"}]';
    }, () => provisioned(namespace, 'postgres'));
    await platforms.ready(namespace);
    expect(secretValue(await secret(), 'password')).not.toBe(secretValue(before, 'password'));
    expect((await live())?.metadata.generation).not.toBe(rolledBefore);
  }, 60_000); // prettier-ignore
});
