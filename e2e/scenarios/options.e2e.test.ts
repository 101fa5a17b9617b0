/** What a platform can be given beyond its services comes, is put right, and goes again, with the rights that the operator has as it is installed. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Migrations, OrderPlatforms, type OrderPlatform } from '@orderplane/operator/api/v1alpha1/index.ts';
import { ServiceMonitors } from '@orderplane/operator/controllers/caches.ts';
import {
  controllerOf,
  ControllerRevisions,
  CronJobs,
  CustomResourceDefinitions,
  HorizontalPodAutoscalers,
  IngressClasses,
  Ingresses,
  NetworkPolicies,
  PersistentVolumeClaims,
  PodDisruptionBudgets,
  Secrets,
  ServiceAccounts,
  Services,
  StatefulSets,
  type CustomResourceDefinition,
  type IngressClass,
  type KubeObject,
  type Resource,
} from '@orderplane/operator/runtime/index.ts';
import { openCluster } from '../harness/cluster.ts';
import { conditionOf } from '../harness/conditions.ts';
import { platformHandle, testNamespace } from '../harness/platform.ts';
import { waitForObject, waitForObjects } from '../harness/watching.ts';

const cluster = await openCluster();
const { client } = cluster;
const namespace = await testNamespace(cluster, 'options');
const platform = platformHandle(cluster, { namespace, name: 'shop' });
const INGRESS_CLASS = namespace;
const DEFINITION = 'servicemonitors.monitoring.coreos.com';

const serving = (name: string) => ({
  name,
  image: cluster.ownServiceImage,
  command: ['node', '-e', "process.on('SIGTERM', () => process.exit()); require('net').createServer().listen(9000)"],
  port: 9000,
});
const nats = (storage: string) => ({ nats: { managed: { storage } } });
const BARE: OrderPlatform['spec'] = {
  deletionPolicy: 'Delete',
  stores: { postgres: { managed: { storage: '1Gi' } } },
  broker: nats('1Gi'),
  services: [serving('web')],
};
const FULL: OrderPlatform['spec'] = {
  ...BARE,
  volumes: [{ name: 'files', storage: '1Gi' }],
  services: [
    { ...serving('web'), replicas: 2, routes: ['/'], needs: [{ volume: { name: 'files', mountPath: '/files', readOnly: false } }] },
    { name: 'inventory' },
    { ...serving('scaled'), autoscaling: { maxReplicas: 2 } },
    { ...serving('nightly'), port: undefined, type: 'CronJob', schedule: '0 2 * * *' },
  ],
  exposure: { ingress: { host: 'shop.example.com', className: INGRESS_CLASS } },
  observability: { metrics: { interval: '30s' } },
}; // prettier-ignore

/** Those that come and go with the spec. */
const OPTIONAL = [
  Migrations,
  Ingresses,
  ServiceMonitors,
  HorizontalPodAutoscalers,
  PodDisruptionBudgets,
  CronJobs,
] as Resource[];
const EVERY = [...OPTIONAL, ControllerRevisions, NetworkPolicies, Services, ServiceAccounts, StatefulSets, Secrets, PersistentVolumeClaims] as Resource[]; // prettier-ignore

const PART_OF = 'app.kubernetes.io/part-of';
const ofPlatform = { namespace, labelSelector: 'orderplane.dev/platform=shop' };

function become(resource: Resource, what: string, ask: (objects: readonly KubeObject[]) => boolean): Promise<true> {
  const options = { timeoutMs: 60_000, what: `${resource.plural}: ${what}` };
  return waitForObjects(client, resource, ofPlatform, ask, options) as Promise<true>;
}

const apply = (spec: OrderPlatform['spec']) => cluster.apply([{ ...platformObject, spec } as KubeObject]);
const platformObject = {
  apiVersion: 'orderplane.dev/v1alpha1',
  kind: 'OrderPlatform',
  metadata: { name: 'shop', namespace },
};

beforeAll(async () => {
  await client.apply(CustomResourceDefinitions, serviceMonitorDefinition());
  await client.create(IngressClasses, { metadata: { name: INGRESS_CLASS }, spec: { controller: 'example.com/none' } } as IngressClass);
  await apply(FULL);
  await platform.waitReady();
}, 200_000); // prettier-ignore

afterAll(async () => {
  await client.delete(IngressClasses, { namespace: '', name: INGRESS_CLASS });
  await client.delete(CustomResourceDefinitions, { namespace: '', name: DEFINITION });
  await cluster.dropNamespace(namespace);
  await cluster.close();
});

/** Of the StatefulSet controller's making, under our labels: claims, which it never looks at again, and its own revisions. */
const isTheirs = (object: KubeObject) =>
  object.metadata.name.startsWith('data-') || controllerOf(object)?.kind === 'StatefulSet';

test.each(EVERY.map((resource) => [resource.plural, resource] as const))('%s come, and are put right when somebody relabels them', async (_, resource) => {
  await become(resource, 'are there', (objects) => !objects.every(isTheirs));
  const ours = (await client.list(resource, ofPlatform)).items.filter((object) => !isTheirs(object));
  for (const { metadata: { name } } of ours)
    await client.mergePatch(resource, { namespace, name }, { metadata: { labels: { [PART_OF]: 'somebody' } } } as never);
  await become(resource, 'are as before', (objects) => objects.every(({ metadata }) => metadata.labels?.[PART_OF] === 'orderplane'));
}, 90_000); // prettier-ignore

const MADE_AGAIN = EVERY.filter((resource) => ![Secrets, PersistentVolumeClaims].includes(resource as never));

test.each(MADE_AGAIN.map((resource) => [resource.plural, resource] as const))('%s are made again when somebody deletes them', async (_, resource) => {
  const before = (await client.list(resource, ofPlatform)).items.filter((object) => !isTheirs(object));
  for (const { metadata: { name } } of before) await client.delete(resource, { namespace, name });
  const isNew = ({ metadata }: KubeObject) => !before.some((old) => old.metadata.uid === metadata.uid);
  await become(resource, 'are there again', (objects) => {
    const ours = objects.filter((object) => !isTheirs(object));
    return ours.length === before.length && ours.every(isNew);
  });
}, 90_000); // prettier-ignore

test('a volume that its class does not let grow stays as it is, and says so', async () => {
  await apply({ ...FULL, broker: nats('2Gi') });
  const refused = await waitForObject(client, OrderPlatforms, platform, (found) => conditionOf(found, 'Stalled')?.reason === 'VolumeCannotGrow' && found, {
    timeoutMs: 60_000,
    what: 'the refusal',
  });
  expect(conditionOf(refused, 'Ready')?.message).toMatch(/volume claim data-shop-nats-0 stays at 1Gi, because its StorageClass \S+ does not let volumes grow/);
}, 90_000); // prettier-ignore

test('what is taken off the spec goes, and the volume of a service’s own stays', async () => {
  await apply(BARE);
  await platform.waitReady();
  for (const resource of OPTIONAL) await become(resource, 'are gone', (objects) => objects.length === 0);
  expect(await client.get(PersistentVolumeClaims, { namespace, name: 'shop-files' })).toBeDefined();
}, 120_000);

test('deleted with its data, it leaves no volume and no Secret', async () => {
  await client.delete(OrderPlatforms, platform);
  for (const resource of EVERY.filter(({ plural }) => plural !== ServiceMonitors.plural))
    await become(resource, 'are gone', (objects) => objects.length === 0);
}, 120_000);

/** As much of prometheus-operator's definition as says that the kind is there. */
function serviceMonitorDefinition(): CustomResourceDefinition {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    metadata: { name: DEFINITION },
    spec: {
      group: 'monitoring.coreos.com',
      scope: 'Namespaced',
      names: { kind: 'ServiceMonitor', listKind: 'ServiceMonitorList', plural: 'servicemonitors', singular: 'servicemonitor' },
      versions: [{ name: 'v1', served: true, storage: true, schema }],
    },
  } as unknown as CustomResourceDefinition;
} // prettier-ignore
