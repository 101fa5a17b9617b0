/** Upgrades of the operator, and rollouts that fail, on a real API server. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { OrderPlatforms } from '../../../api/v1alpha1/index.ts';
import { desiredObjects, type Desired } from '../../../resources/desired.ts';
import type { Images } from '../../../resources/images.ts';
import { ControllerRevisions, Deployments, Events, ReplicaSets, StatefulSets } from '../../../runtime/index.ts';
import type { Renderer } from '../../deps.ts';
import { eventually } from '../../testing/eventually.ts';
import { ULTRALIGHT, VOLUME } from '../../testing/platforms.ts';
import { sharedCluster } from '../../testing/shared-cluster.ts';

const { cluster, platforms } = await sharedCluster();
let operator = cluster.startOperator();

/** The next version of the operator: another release, and pods that it would build otherwise. */
const NEXT: Renderer = {
  version: '0.2.0',
  release: '0.2.0',
  render(platform, secrets): Desired {
    const desired = desiredObjects(platform, secrets);
    const workloads = [
      ...desired.stores.map(({ statefulSet }) => statefulSet),
      ...(desired.broker ? [desired.broker.statefulSet] : []),
      ...desired.services.flatMap(({ deployment }) => deployment ?? []),
    ];
    for (const { spec } of workloads) spec!.template.spec!.terminationGracePeriodSeconds = 77;
    return desired;
  },
};
const NEXT_IMAGES = { services: 'orderplane/services:0.2.0', postgres: 'postgres:17.9' };

async function restartedAs(images?: Partial<Images>, renderer?: Renderer): Promise<void> {
  await operator.kill();
  operator = cluster.startOperator(images, renderer);
  await operator.idle();
}

const templates = async (namespace: string) => {
  const workloads = [
    ...(await cluster.client.list(StatefulSets, { namespace })).items,
    ...(await cluster.client.list(Deployments, { namespace })).items,
  ];
  return Object.fromEntries(workloads.map(({ metadata, spec }) => [metadata.name, spec?.template]));
};

describe('a new operator', () => {
  let namespace: string;

  beforeAll(async () => {
    namespace = await cluster.namespace();
    await platforms.create(namespace, ULTRALIGHT);
    await platforms.ready(namespace);
    await operator.idle();
  }, 60_000);

  test('changes no pod, and tells what it would change', async () => {
    const before = await templates(namespace);
    await restartedAs(NEXT_IMAGES, NEXT);
    expect(await templates(namespace)).toEqual(before);
    await platforms.ready(namespace);
    const { status } = await platforms.read(namespace);
    expect(status).toMatchObject({ version: '0.1.0', upgradeAvailable: { version: '0.2.0' } });
    expect(status?.upgradeAvailable?.changes).toEqual([
      'postgres: image postgres:17 → postgres:17.9, terminationGracePeriodSeconds 60 → 77',
      'mongo: terminationGracePeriodSeconds 60 → 77',
      'nats: terminationGracePeriodSeconds 30 → 77',
      'gateway: image orderplane/services:0.1.0 → orderplane/services:0.2.0, terminationGracePeriodSeconds 30 → 77',
      'inventory: image orderplane/services:0.1.0 → orderplane/services:0.2.0, terminationGracePeriodSeconds 30 → 77',
      'orders: image orderplane/services:0.1.0 → orderplane/services:0.2.0, terminationGracePeriodSeconds 30 → 77',
      'order-query: image orderplane/services:0.1.0 → orderplane/services:0.2.0, terminationGracePeriodSeconds 30 → 77',
      'storefront: terminationGracePeriodSeconds 30 → 77',
    ]);
    const { items } = await cluster.client.list(Events, { namespace });
    expect(items.filter(({ reason }) => reason === 'UpgradeAvailable')).toHaveLength(1);
  }, 60_000);

  test('makes anew what was deleted as it was', async () => {
    const before = await templates(namespace);
    await cluster.client.delete(Deployments, { namespace, name: 'shop-orders' });
    await eventually('it is there again', async () => (await templates(namespace))['shop-orders'] !== undefined);
    expect(await templates(namespace)).toEqual(before);
    await platforms.ready(namespace);
  }, 60_000);

  test('changes only the pods that a change of the spec is about, and stays at the release', async () => {
    const before = await templates(namespace);
    const services = ULTRALIGHT.services.map((each) => (each.name === 'orders' ? { ...each, env: [{ name: 'SNAPSHOT_INTERVAL', value: '50' }] } : each));
    await platforms.change(namespace, { services });
    await eventually('orders has its variable', async () => JSON.stringify((await templates(namespace))['shop-orders']).includes('SNAPSHOT_INTERVAL'));
    await platforms.ready(namespace);
    const { 'shop-orders': orders, ...others } = await templates(namespace);
    const { 'shop-orders': _, ...othersBefore } = before;
    expect(others).toEqual(othersBefore);
    expect(orders?.spec?.containers[0]?.image).toBe('orderplane/services:0.1.0');
  }, 60_000); // prettier-ignore

  test('rolls out what was accepted, and nothing that comes after it', async () => {
    const accepted = (await platforms.read(namespace)).status?.upgradeAvailable?.revision;
    await platforms.change(namespace, { upgrades: { accepted } });
    await platforms.ready(namespace);
    await eventually('all of it is rolled out', async () => Object.values(await templates(namespace)).every((template) => template?.spec?.terminationGracePeriodSeconds === 77));
    await platforms.ready(namespace);
    const { status } = await platforms.read(namespace);
    expect(status?.version).toBe('0.2.0');
    expect(status?.upgradeAvailable).toBeUndefined();

    const after = await templates(namespace);
    await restartedAs({ ...NEXT_IMAGES, postgres: 'postgres:17.10' }, { ...NEXT, version: '0.3.0', release: '0.3.0' });
    expect(await templates(namespace)).toEqual(after);
    expect((await platforms.read(namespace)).status?.upgradeAvailable).toMatchObject({ version: '0.3.0', changes: ['postgres: image postgres:17.9 → postgres:17.10'] });
    await restartedAs();
  }, 60_000); // prettier-ignore
});

describe('a rollout that misses its deadline', () => {
  const service = (image: string) => ({ services: [{ name: 'reports', image, port: 9000 }] });
  const imageOf = async (namespace: string) => (await templates(namespace))['shop-reports']?.spec?.containers[0]?.image;
  let namespace: string;

  test('is taken back, and says why', async () => {
    namespace = await cluster.namespace();
    await platforms.create(namespace, { ...service('reports:1'), progressDeadlineSeconds: 5 });
    await platforms.ready(namespace);
    await cluster.kubelet.behave(/^shop-reports-/, {
      kind: 'says',
      called: 'no such image',
      status: { phase: 'Pending' },
      container: { state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "reports:2": ErrImagePull: not found' } } },
    });
    const running = (await cluster.client.list(ReplicaSets, { namespace })).items[0];
    await cluster.kubelet.behave(new RegExp(`^${running?.metadata.name}-`), { kind: 'run' });
    await platforms.change(namespace, service('reports:2'));
    const { message } = await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'RolloutFailed' });
    expect(message).toMatch(/reports was returned to its previous version, .*: pod shop-reports-\S+ cannot pull image/);
    expect(await imageOf(namespace)).toBe('reports:1');
    expect((await platforms.read(namespace)).status?.components).toMatchObject([{ name: 'reports', ready: 1, desired: 1 }]);
  }, 60_000); // prettier-ignore

  test('is not tried again by an operator that starts anew', async () => {
    await operator.idle();
    const before = await cluster.writes(namespace);
    await restartedAs();
    expect((await cluster.writes(namespace)).slice(before.length)).toEqual([]);
    expect(await imageOf(namespace)).toBe('reports:1');
  }, 60_000);

  test('is tried again when that is requested', async () => {
    await cluster.kubelet.behave(/^shop-reports-/, { kind: 'run' });
    const annotations = { 'orderplane.dev/requestedAt': 'now' };
    await cluster.client.mergePatch(OrderPlatforms, { namespace, name: 'shop' }, { metadata: { annotations } });
    await eventually('it is tried again', async () => (await imageOf(namespace)) === 'reports:2');
    await platforms.ready(namespace);
  }, 60_000);

  test('leaves no more than five templates behind, however often the spec changes', async () => {
    for (let version = 3; version <= 9; version++) {
      await platforms.change(namespace, { ...service(`reports:${version}`), progressDeadlineSeconds: 60 });
      await eventually('it is rolled out', async () => (await imageOf(namespace)) === `reports:${version}`);
      await platforms.ready(namespace);
    }
    await operator.idle();
    expect((await cluster.client.list(ControllerRevisions, { namespace })).items).toHaveLength(5);
  }, 60_000);

  test('is not taken back where nothing ran before', async () => {
    const other = await cluster.namespace();
    await cluster.kubelet.behave(/^shop-broken-/, { kind: 'hold' });
    await platforms.create(other, { services: [{ name: 'broken', image: 'x:1', port: 9000 }], progressDeadlineSeconds: 2 });
    await platforms.becomes(other, 'Stalled', { status: 'True', reason: 'ProgressDeadlineExceeded' });
    expect((await templates(other))['shop-broken']?.spec?.containers[0]?.image).toBe('x:1');
  }, 60_000); // prettier-ignore
});

test('the templates of what is no longer wanted go with it', async () => {
  const namespace = await cluster.namespace();
  const services = [{ name: 'one', image: 'x:1', port: 9000 }, { name: 'two', image: 'x:1', port: 9000 }];
  await platforms.create(namespace, { stores: { postgres: VOLUME }, services });
  await platforms.ready(namespace);
  await platforms.change(namespace, { services: services.slice(0, 1) });
  await eventually('it is gone', async () => (await templates(namespace))['shop-two'] === undefined);
  await operator.idle();
  const { items } = await cluster.client.list(ControllerRevisions, { namespace, labelSelector: 'orderplane.dev/revision-of' });
  expect(items.map(({ metadata }) => metadata.labels?.['orderplane.dev/revision-of']).sort()).toEqual(['one', 'postgres']);
}, 60_000); // prettier-ignore
