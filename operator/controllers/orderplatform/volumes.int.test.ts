import { expect, test } from '@jest/globals';
import { PersistentVolumeClaims, Pods, StatefulSets, StorageClasses } from '../../runtime/index.ts';
import { bindVolume } from '../testing/bind-volume.ts';
import { eventually } from '../testing/eventually.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';

const { cluster, platforms } = await sharedCluster();
for (const [name, allowVolumeExpansion] of [['elastic', true], ['rigid', false]] as const) {
  await cluster.client.create(StorageClasses, { metadata: { name }, provisioner: 'example.com/test', allowVolumeExpansion });
} // prettier-ignore
let operator = cluster.startOperator();

const stores = (storageClassName: string, storage: string) => ({
  postgres: { managed: { storage, storageClassName } },
});
const claimKey = (namespace: string) => ({ namespace, name: 'data-shop-postgres-0' });
const claimed = async (namespace: string) =>
  (await cluster.client.get(PersistentVolumeClaims, claimKey(namespace)))?.spec?.resources?.requests?.storage;
const setOf = (namespace: string) => cluster.client.get(StatefulSets, { namespace, name: 'shop-postgres' });
const templateOf = async (namespace: string) =>
  (await setOf(namespace))?.spec?.volumeClaimTemplates?.[0]?.spec?.resources?.requests?.storage;
const podOf = async (namespace: string) =>
  (await cluster.client.get(Pods, { namespace, name: 'shop-postgres-0' }))?.metadata;
const capacity = (namespace: string, storage: string) =>
  cluster.client.mergePatch(
    PersistentVolumeClaims,
    claimKey(namespace),
    { status: { capacity: { storage } } },
    { subresource: 'status' },
  );

/** A platform whose Postgres has a volume, as a provisioner would have made it. */
async function platformWithVolume(storageClassName: string): Promise<string> {
  const namespace = await cluster.namespace();
  await platforms.create(namespace, { stores: stores(storageClassName, '1Gi') });
  await bindVolume(cluster.client, claimKey(namespace), storageClassName);
  await platforms.ready(namespace);
  return namespace;
}

test('a volume grows where its class allows it, under a pod that goes on', async () => {
  const namespace = await platformWithVolume('elastic');
  const pod = await podOf(namespace);
  await platforms.change(namespace, { stores: stores('elastic', '2Gi') });
  const growing = await platforms.becomes(namespace, 'StoresReady', { status: 'False', reason: 'VolumeGrowing' });
  expect(growing.message).toContain('2Gi');
  await eventually('the claim asks for more', async () => (await claimed(namespace)) === '2Gi');
  await eventually('the StatefulSet is made again', async () => (await templateOf(namespace)) === '2Gi');
  await capacity(namespace, '2Gi');
  await platforms.ready(namespace);
  expect((await platforms.read(namespace)).status?.volumes).toEqual({ postgres: '2Gi' });
  expect(await podOf(namespace)).toMatchObject({
    uid: pod?.uid,
    ownerReferences: [{ kind: 'StatefulSet', uid: (await setOf(namespace))?.metadata.uid }],
  });

  await operator.idle();
  const before = await cluster.writes(namespace);
  await operator.kill();
  operator = cluster.startOperator();
  await operator.idle();
  expect((await cluster.writes(namespace)).slice(before.length)).toEqual([]);
}, 90_000);

test('a volume that cannot grow is told of, with a way back, and nothing else changes', async () => {
  const namespace = await platformWithVolume('rigid');
  await operator.idle();
  const before = (await cluster.writes(namespace)).length;
  const [set, pod] = [await setOf(namespace), await podOf(namespace)];
  await platforms.change(namespace, { stores: stores('rigid', '2Gi') });
  const refused = await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'VolumeCannotGrow' });
  expect(refused.message).toContain('volume claim data-shop-postgres-0 stays at 1Gi, because its StorageClass rigid does not let volumes grow');
  await operator.idle();
  const writes = (await cluster.writes(namespace)).slice(before);
  // The record of the pod template notes the new spec; the template is the same.
  expect(writes.filter((write) => !/ (orderplatforms\/status|controllerrevisions) /.test(write))).toEqual([]);
  expect(await claimed(namespace)).toBe('1Gi');

  // The store is up, so that what needs it goes on; and its StatefulSet is repaired as ever.
  expect(await platforms.condition(namespace, 'DatabasesReady')).toMatchObject({ status: 'True' });
  await cluster.client.mergePatch(StatefulSets, { namespace, name: 'shop-postgres' }, { spec: { replicas: 0 } });
  await eventually('it is repaired', async () => (await setOf(namespace))?.spec?.replicas === 1);
  expect((await setOf(namespace))?.metadata.uid).toBe(set?.metadata.uid);
  expect(pod).toBeDefined();

  await expect(platforms.change(namespace, { stores: stores('rigid', '512Mi') })).rejects.toThrow('cannot shrink');
  await platforms.change(namespace, { stores: stores('rigid', '1Gi') });
  await platforms.ready(namespace);
}, 90_000); // prettier-ignore

test('the labels of a volume claim are put right, also the one that it is found by', async () => {
  const namespace = await platformWithVolume('elastic');
  const labels = async () => (await cluster.client.get(PersistentVolumeClaims, claimKey(namespace)))?.metadata.labels;
  const wanted = await labels();
  const edits: Record<string, string | null>[] = [
    { 'app.kubernetes.io/managed-by': null },
    { 'orderplane.dev/platform': 'another' },
    { 'app.kubernetes.io/component': 'edited' },
  ];
  for (const edit of edits) {
    await cluster.client.mergePatch(PersistentVolumeClaims, claimKey(namespace), { metadata: { labels: edit } });
    await eventually('they are as they were', async () => JSON.stringify(await labels()) === JSON.stringify(wanted));
  }
  await platforms.ready(namespace);
}, 60_000);

test('an operator that is killed while a volume grows is taken over from', async () => {
  const namespace = await platformWithVolume('elastic');
  await operator.kill();
  // As after a kill between the deletion of the StatefulSet and its making.
  await cluster.client.mergePatch(PersistentVolumeClaims, claimKey(namespace), { spec: { resources: { requests: { storage: '3Gi' } } } });
  await cluster.client.delete(StatefulSets, { namespace, name: 'shop-postgres' }, { propagation: 'Orphan' });
  await platforms.change(namespace, { stores: stores('elastic', '3Gi') });
  const pod = await podOf(namespace);
  operator = cluster.startOperator();
  await eventually('the StatefulSet is back', async () => (await templateOf(namespace)) === '3Gi');
  await capacity(namespace, '3Gi');
  await platforms.ready(namespace);
  expect((await podOf(namespace))?.uid).toBe(pod?.uid);
}, 90_000); // prettier-ignore

test('every right on volumes is used, and none was missing', async () => {
  const { used, refused } = await cluster.rights();
  expect([...refused]).toEqual([]);
  expect([...used]).toEqual(
    expect.arrayContaining(['patch persistentvolumeclaims', 'get storageclasses.storage.k8s.io']),
  );
});
