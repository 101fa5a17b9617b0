/** A platform on stores and a broker that are not its own: in another namespace, and known to it by Secrets. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { OrderPlatforms } from '@orderplane/operator/api/v1alpha1/index.ts';
import { Pods, StatefulSets, type KubeObject } from '@orderplane/operator/runtime/index.ts';
import { MongoClient } from 'mongodb';
import { figure, openCluster } from '../harness/cluster.ts';
import { conditionOf, holds } from '../harness/conditions.ts';
import { foreignServers, foreignUris } from '../harness/foreign-servers.ts';
import { createOrder } from '../harness/graphql.ts';
import { withPlatformSpec } from '../harness/manifests.ts';
import { documentsPerOrder } from '../harness/orders.ts';
import { applyUltralight, platformHandle, testNamespace, type PlatformHandle } from '../harness/platform.ts';
import { waitForObject, waitForObjects } from '../harness/watching.ts';

const cluster = await openCluster();
const foreign = await testNamespace(cluster, 'foreign');
const namespace = await testNamespace(cluster, 'external');
const password = randomBytes(9).toString('base64url');
const uris = foreignUris({ namespace: foreign, password });
let platform: PlatformHandle;

afterAll(async () => {
  await Promise.all([namespace, foreign].map((each) => cluster.dropNamespace(each)));
  await cluster.close();
});

const secret = (name: string, uri: string): KubeObject =>
  ({ apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace }, stringData: { uri } }) as KubeObject;
const external = (name: string) => ({ external: { secretRef: { name } } });

beforeAll(async () => {
  await cluster.apply(await foreignServers(cluster.client, { namespace: foreign, password }));
  await waitForObjects(
    cluster.client,
    Pods,
    { namespace: foreign },
    (pods) => pods.length === 3 && pods.every((pod) => pod.status?.containerStatuses?.every(({ ready }) => ready)),
    { timeoutMs: 150_000, what: 'readiness of the foreign servers' },
  );
  await cluster.apply([
    secret('db', uris.postgres.replace(password, 'not-the-one')),
    secret('documents', uris.mongo),
    secret('events', uris.nats),
  ]);
  platform = await applyUltralight(cluster, { namespace, name: 'shop' }, (manifests) =>
    withPlatformSpec(manifests, (spec) => ({
      ...spec,
      stores: { postgres: external('db'), mongo: external('documents') },
      broker: { nats: external('events') },
    })),
  );
}, 180_000);

test('a wrong password is told, with the Secret that has it', async () => {
  const stores = await waitForObject(
    cluster.client,
    OrderPlatforms,
    platform,
    (found) =>
      conditionOf(found, 'StoresReady')?.reason === 'AuthenticationFailed' && conditionOf(found, 'StoresReady'),
    { timeoutMs: 60_000, what: 'the refusal of the login' },
  );
  expect(stores.message).toContain('correct the uri in Secret db');
  expect(stores.message).not.toContain('not-the-one');
}, 90_000);

test('put right, it is Ready without a server of its own, and an order goes through to the foreign ones', async () => {
  await cluster.apply([secret('db', uris.postgres)]);
  const corrected = performance.now();
  await waitForObject(cluster.client, OrderPlatforms, platform, (found) => holds(found, 'Ready'), {
    timeoutMs: 180_000,
    what: 'readiness on foreign servers',
  });
  figure('Secret put right → Ready on foreign servers', `${((performance.now() - corrected) / 1000).toFixed(1)} s`);
  expect((await cluster.client.list(StatefulSets, { namespace })).items).toEqual([]);

  const { id } = await createOrder(await platform.gatewayUrl(), 'p1', 1);
  const uri = new URL(uris.mongo);
  uri.hostname = await platformHandle(cluster, { namespace: foreign, name: 'foreign' }).serviceAddress('mongo');
  const mongo = await new MongoClient(uri.href).connect();
  try {
    expect([...(await documentsPerOrder(mongo, [id], 10_000))]).toEqual([[id, 1]]);
  } finally {
    await mongo.close();
  }
}, 240_000);

test('a second platform on the same servers does not take the logins and the broker of the first', async () => {
  const spec = {
    stores: { postgres: external('db') },
    broker: { nats: external('events') },
    services: [{ name: 'inventory' }],
  };
  const metadata = { name: 'twin', namespace };
  const twin = { apiVersion: 'orderplane.dev/v1alpha1', kind: 'OrderPlatform', metadata, spec };
  await cluster.apply([twin as KubeObject]);
  const refused = await waitForObject(
    cluster.client,
    OrderPlatforms,
    metadata,
    (found) =>
      conditionOf(found, 'DatabasesReady')?.reason === 'LoginTaken' &&
      conditionOf(found, 'BrokerReady')?.reason === 'BrokerTaken' &&
      found,
    { timeoutMs: 60_000, what: 'the refusal of the second platform' },
  );
  const holder = `is of OrderPlatform ${namespace}/shop`;
  expect(conditionOf(refused, 'DatabasesReady')?.message).toContain(`role inventory_1 ${holder}`);
  expect(conditionOf(refused, 'BrokerReady')?.message).toContain(holder);
  await createOrder(await platform.gatewayUrl(), 'p1', 1);
}, 90_000);
