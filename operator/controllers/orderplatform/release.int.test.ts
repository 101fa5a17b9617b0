/** From one release to another and back, on a real API server. The pods are played, and so are the Jobs of the migrations. */
import { beforeAll, expect, test } from '@jest/globals';
import { Migrations } from '../../api/v1alpha1/index.ts';
import { Deployments, findCondition, StatefulSets } from '../../runtime/index.ts';
import { eventually } from '../testing/eventually.ts';
import { ULTRALIGHT } from '../testing/platforms.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';

const RELEASES = {
  '0.2.0': { services: 'orderplane/services:0.2.0', storefront: 'orderplane/storefront:0.2.0' },
  '0.3.0': { services: 'orderplane/services:0.3.0', storefront: 'orderplane/storefront:0.3.0' },
};
const SERVICES = ULTRALIGHT.services.map(({ name }) => name);

const { cluster, platforms } = await sharedCluster();
const operator = cluster.startOperator({}, undefined, { releases: RELEASES });
let namespace: string;

beforeAll(async () => {
  namespace = await cluster.namespace();
  await platforms.create(namespace, ULTRALIGHT);
  await platforms.ready(namespace);
}, 60_000);

/** The releases that the pods of the services are of. */
async function releasesOfPods(): Promise<string[]> {
  const { items } = await cluster.client.list(Deployments, { namespace });
  expect(items.map(({ metadata }) => metadata.name).sort()).toEqual(SERVICES.map((name) => `shop-${name}`).sort());
  const tags = items.map(({ spec }) => spec?.template.spec?.containers[0]?.image?.split(':')[1] ?? '');
  return [...new Set(tags)];
}

async function storeTemplates() {
  const { items } = await cluster.client.list(StatefulSets, { namespace });
  return items.map(({ metadata, spec }) => [metadata.name, spec?.template]);
}

/** Waits until the Migration of a service is done with the files of an image. */
const migrated = (service: string, image: string) =>
  eventually(`${service} is migrated by ${image}`, async () => {
    const { status } = (await cluster.client.get(Migrations, { namespace, name: `shop-${service}` })) ?? {};
    return status?.source === image && findCondition(status.conditions, 'Ready')?.status === 'True';
  });

test('a release replaces the pods of its services once all of its migrations are done, and no store', async () => {
  const stores = await storeTemplates();
  await cluster.kubelet.behave(/^shop-orders-migrate-/, { kind: 'hold' });
  await platforms.change(namespace, { version: '0.2.0' });
  await migrated('inventory', RELEASES['0.2.0'].services);
  await migrated('order-query', RELEASES['0.2.0'].services);
  const message = /^Migration shop-orders: migrating orders/;
  await platforms.becomes(namespace, 'Ready', { status: 'False', message });
  await operator.idle();
  expect(await releasesOfPods()).toEqual(['0.1.0']);

  await cluster.kubelet.behave(/^shop-orders-migrate-/, { kind: 'run' });
  await platforms.ready(namespace);
  expect(await releasesOfPods()).toEqual(['0.2.0']);
  expect(await storeTemplates()).toEqual(stores);
  const { status } = await platforms.read(namespace);
  expect([status?.version, status?.upgradeAvailable]).toEqual(['0.2.0', undefined]);
}, 60_000);

test('a release whose migration fails replaces no pod, and the one before is back by one edit', async () => {
  const failure = 'at 0002_price.up.sql:3: column "price" of relation "orders" already exists';
  const result = { ok: false, reason: 'StatementFailed', message: failure };
  await cluster.kubelet.behave(/^shop-orders-migrate-/, { kind: 'result', result });
  await platforms.change(namespace, { version: '0.3.0' });
  const { message } = await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'StatementFailed' });
  expect(message).toBe(`Migration shop-orders: migrating orders failed: ${failure}`);
  await migrated('inventory', RELEASES['0.3.0'].services);
  await operator.idle();
  expect(await releasesOfPods()).toEqual(['0.2.0']);

  await cluster.kubelet.behave(/^shop-orders-migrate-/, { kind: 'run' });
  await platforms.change(namespace, { version: '0.2.0' });
  await platforms.ready(namespace);
  expect((await platforms.read(namespace)).status?.version).toBe('0.2.0');
  expect(await releasesOfPods()).toEqual(['0.2.0']);
}, 60_000);

test('a release goes back to the one that the operator brings', async () => {
  await platforms.change(namespace, { version: '0.1.0' });
  await platforms.ready(namespace);
  expect(await releasesOfPods()).toEqual(['0.1.0']);
}, 60_000);

test('a release that is not listed is refused with those that are', async () => {
  await platforms.change(namespace, { version: '9.9.9' });
  const { message } = await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'InvalidSpec' });
  expect(message).toContain('which has 0.1.0, 0.2.0, 0.3.0: use one that it has');
  expect(await releasesOfPods()).toEqual(['0.1.0']);
}, 60_000);
