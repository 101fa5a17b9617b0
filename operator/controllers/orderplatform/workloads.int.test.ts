import { describe, expect, test } from '@jest/globals';
import { OrderPlatforms, SeedJobs, type OrderPlatform } from '../../api/v1alpha1/index.ts';
import {
  ConfigMaps,
  controllerReference,
  CronJobs,
  Deployments,
  isConditionTrue,
  Jobs,
  Namespaces,
  PersistentVolumeClaims,
  PersistentVolumes,
  Pods,
  Secrets,
  ServiceAccounts,
  Services,
  StorageClasses,
  type CronJob,
  type Job,
  type Secret,
} from '../../runtime/index.ts';
import { eventually } from '../testing/eventually.ts';
import { ULTRALIGHT, VOLUME } from '../testing/platforms.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';

const { cluster, platforms } = await sharedCluster();
let operator = cluster.startOperator();

type Services = NonNullable<OrderPlatform['spec']['services']>;
const own = (fields: Partial<Services[number]> = {}) => ({ name: 'mine', image: 'x', ...fields });
const nightly = { type: 'CronJob', schedule: '0 2 * * *' } as const;
const MINE = 'shop-mine';

const mainContainer = async (namespace: string, name = MINE) =>
  (await cluster.client.get(Deployments, { namespace, name }))?.spec?.template.spec?.containers[0];

const dockerConfig = (name: string, namespace: string) =>
  ({ metadata: { name, namespace }, type: 'kubernetes.io/dockerconfigjson', stringData: { '.dockerconfigjson': '{"auths":{}}' } }) as Secret; // prettier-ignore

/** Starts a run as the schedule does, and as `kubectl create job --from` does. */
async function startRun(namespace: string, name: string): Promise<void> {
  const cronJob = await eventually('the CronJob is there', async () => cluster.client.get(CronJobs, { namespace, name: MINE }));
  const { metadata, spec } = (cronJob.spec as NonNullable<CronJob['spec']>).jobTemplate as { metadata: Job['metadata']; spec: Job['spec'] };
  const ownerReferences = [controllerReference(CronJobs, cronJob)];
  // The first failure is the last: the Job controller waits long between attempts.
  const once = { ...spec, backoffLimit: 0 };
  await cluster.client.create(Jobs, { metadata: { ...metadata, name, namespace, ownerReferences }, spec: once } as Job);
} // prettier-ignore

test('every pod is accepted under Pod Security "restricted", and one that breaks it is not', async () => {
  const namespace = 'under-restriction';
  const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
  await cluster.client.create(Namespaces, { metadata: { name: namespace, labels } });
  const volume = { volume: { name: 'datasets', mountPath: '/data' } };
  await platforms.create(namespace, {
    ...ULTRALIGHT,
    profile: 'prod',
    volumes: [{ name: 'datasets', storage: '1Gi' }],
    services: [
      ...ULTRALIGHT.services,
      { name: 'worker', image: 'x', needs: [volume] },
      own({ ...nightly, needs: [volume] }),
    ],
  });
  const datasets = [{ name: 'p', engine: 'postgres' as const, database: 'inventory', table: 'products', key: ['id'], mode: 'Upsert' as const, rows: [{ id: 'p1' }] }];
  await cluster.client.create(SeedJobs, { metadata: { name: 'products', namespace }, spec: { platformRef: { name: 'shop' }, datasets } });
  await platforms.ready(namespace);
  await startRun(namespace, 'mine-1');
  await eventually('the run is done', async () => isConditionTrue((await cluster.client.get(Jobs, { namespace, name: 'mine-1' }))?.status?.conditions, 'Complete'));

  const { items } = await cluster.client.list(Pods, { namespace });
  const kinds = new Set(items.map(({ metadata: { labels } }) => `${labels?.['app.kubernetes.io/component']} ${labels?.['app.kubernetes.io/name']}`));
  expect([...kinds].sort()).toEqual([
    'broker nats', 'job migrate', 'job provision', 'job seed', 'job verify',
    'service gateway', 'service inventory', 'service mine', 'service order-query', 'service orders', 'service storefront', 'service worker',
    'store mongo', 'store postgres',
  ]);
  expect(items.filter(({ spec }) => spec?.automountServiceAccountToken !== false)).toEqual([]);
  const accounts = (await cluster.client.list(ServiceAccounts, { namespace })).items.filter(({ metadata }) => metadata.name !== 'default');
  expect(accounts.map(({ automountServiceAccountToken }) => automountServiceAccountToken)).toEqual(accounts.map(() => false));
  const root = { metadata: { name: 'root', namespace }, spec: { containers: [{ name: 'main', image: 'x', securityContext: { privileged: true } }] } };
  await expect(cluster.client.create(Pods, root)).rejects.toThrow('violates PodSecurity "restricted:latest"');
}, 120_000); // prettier-ignore

describe('images', () => {
  test('come from the registry that is named, with its pull secrets, in every pod; a missing secret is the cause', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, {
      stores: { postgres: VOLUME },
      broker: { nats: VOLUME },
      images: { registry: 'registry.example:5000/mirror', pullSecrets: [{ name: 'regcred' }] },
      services: [{ name: 'inventory' }, own({ image: 'ghcr.io/me/mine:1' })],
    });
    const missing = await platforms.becomes(namespace, 'Ready', { status: 'False', reason: 'PullSecretMissing' });
    expect(missing.message).toContain('pull secret regcred does not exist');
    await cluster.client.create(Secrets, dockerConfig('regcred', namespace));
    await platforms.ready(namespace);

    const { items } = await cluster.client.list(Pods, { namespace });
    const images = items.flatMap(({ spec }) => [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])]).map(({ image }) => image);
    expect([...new Set(images)].sort()).toEqual([
      'ghcr.io/me/mine:1',
      'registry.example:5000/mirror/nats:2.12',
      'registry.example:5000/mirror/orderplane/operator:0.1.0',
      'registry.example:5000/mirror/orderplane/services:0.1.0',
      'registry.example:5000/mirror/postgres:17',
    ]);
    expect(items.map(({ spec }) => spec?.imagePullSecrets)).toEqual(items.map(() => [{ name: 'regcred' }]));
  }, 60_000); // prettier-ignore

  test('are not pulled with a Secret of another kind', async () => {
    const namespace = await cluster.namespace();
    await cluster.client.create(Secrets, { metadata: { name: 'other', namespace }, type: 'Opaque' } as Secret);
    await platforms.create(namespace, { images: { pullSecrets: [{ name: 'other' }] } });
    const { message } = await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'InvalidPullSecret' });
    expect(message).toContain('Secret other in spec.images.pullSecrets is of type Opaque');
  }, 60_000);
});

describe('a service that changes', () => {
  /** What of a Deployment follows from the spec alone. */
  const shape = async (namespace: string) => {
    const live = await cluster.client.get(Deployments, { namespace, name: MINE });
    const { terminationGracePeriodSeconds: _, ...pod } = live?.spec?.template.spec ?? {};
    return {
      strategy: live?.spec?.strategy,
      replicas: live?.spec?.replicas,
      pod,
      hash: live?.spec?.template.metadata?.annotations,
    };
  };
  const volume = { volume: { name: 'disk', mountPath: '/data' } };
  test.each<[string, Partial<Services[number]>, Partial<Services[number]>]>([
    ['how it is probed: by path or command', { port: 9000, probes: { liveness: { path: '/live' } } }, { port: 9000, probes: { liveness: { command: ['alive'] } } }],
    ['how it is probed: by command or port', { port: 9000, probes: { liveness: { command: ['alive'], initialDelaySeconds: 5 } } }, { port: 9000 }],
    ['whether it listens', { port: 9000 }, {}],
    ['the port that it listens on', { port: 9000 }, { port: 9001 }],
    ['where a value comes from', { env: [{ name: 'A', value: 'x' }] }, { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'a', key: 'a', optional: true } } }] }],
    ['from which kind of object', { env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'a', key: 'a', optional: true } } }] }, { env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'a', key: 'a', optional: true } } }] }],
    ['the order of its values', { env: [{ name: 'A', value: '$(B)' }, { name: 'B', value: 'b' }] }, { env: [{ name: 'B', value: 'b' }, { name: 'A', value: '$(B)' }] }],
    ['its command', { command: ['a'], args: ['b'] }, { args: ['c', 'd'] }],
    ['its resources', { resources: { requests: { cpu: 1 }, limits: { cpu: '2' } } }, { resources: { limits: { memory: '1Gi' } } }],
    ['its volume', { needs: [volume] }, {}],
    ['where its volume is', { needs: [volume] }, { needs: [{ volume: { name: 'disk', mountPath: '/other', readOnly: true } }] }],
    ['its number of pods', { replicas: 2 }, { replicas: 0 }],
  ])('%s, is as if it had always been so, and goes back', async (_, a, b) => {
    const [changed, fresh] = [await cluster.namespace(), await cluster.namespace()];
    const spec = (fields: Partial<Services[number]>) => ({ volumes: [{ name: 'disk', storage: '1Gi' }], services: [own(fields)] });
    await platforms.create(changed, spec(a));
    await platforms.create(fresh, spec(b));
    await Promise.all([platforms.ready(changed), platforms.ready(fresh)]);
    const before = await shape(changed);
    await platforms.change(changed, spec(b));
    await platforms.ready(changed);
    expect(await shape(changed)).toEqual(await shape(fresh));
    await platforms.change(changed, spec(a));
    await platforms.ready(changed);
    expect(await shape(changed)).toEqual(before);
  }, 60_000); // prettier-ignore
});

describe('the environment', () => {
  test('is waited for where a Secret has it, and rolls the pods when it changes there', async () => {
    const namespace = await cluster.namespace();
    const env = [
      { name: 'API_KEY', valueFrom: { secretKeyRef: { name: 'stripe', key: 'api-key' } } },
      { name: 'FLAGS', valueFrom: { configMapKeyRef: { name: 'flags', key: 'all', optional: true } } },
    ];
    await platforms.create(namespace, { services: [own({ env })] });
    const waits = await platforms.becomes(namespace, 'Ready', { status: 'False', reason: 'WaitingForRequirement' });
    expect(waits.message).toContain('mine waits: Secret stripe, which its env refers to, does not exist: create it, with the key api-key');
    const stripe = { metadata: { name: 'stripe', namespace }, stringData: { 'other-key': 'x' } } as Secret;
    await cluster.client.create(Secrets, stripe);
    await eventually('the missing key is named', async () => (await platforms.condition(namespace, 'Ready'))?.message.includes('Secret stripe, which its env refers to, has no key api-key'));
    await cluster.client.mergePatch(Secrets, { namespace, name: 'stripe' }, { stringData: { 'api-key': 'one' } });
    await platforms.ready(namespace);
    expect((await mainContainer(namespace))?.env).toEqual(expect.arrayContaining(env));

    const hash = async () => (await cluster.client.get(Deployments, { namespace, name: MINE }))?.spec?.template.metadata?.annotations?.['orderplane.dev/config-hash'];
    const before = await hash();
    await cluster.client.create(ConfigMaps, { metadata: { name: 'flags', namespace }, data: { all: '{}' } });
    const withFlags = await eventually('the pods roll', async () => (await hash()) !== before && hash());
    await cluster.client.mergePatch(Secrets, { namespace, name: 'stripe' }, { stringData: { 'api-key': 'two', 'other-key': 'y' } });
    await eventually('the pods roll again', async () => (await hash()) !== withFlags);
    await platforms.ready(namespace);
  }, 90_000); // prettier-ignore

  test('has what is optional once the platform has it', async () => {
    const namespace = await cluster.namespace();
    const needs = [{ postgres: { database: 'mine', access: 'ReadOnly' as const }, optional: true }];
    await platforms.create(namespace, { services: [own({ needs })] });
    await platforms.ready(namespace);
    const names = async () => (await mainContainer(namespace))?.env?.map(({ name }) => name);
    expect(await names()).not.toContain('POSTGRES_URI');
    await cluster.kubelet.behave(/^shop-postgres-0$/, { kind: 'hold' });
    await platforms.change(namespace, { stores: { postgres: VOLUME } });
    await eventually('it does not wait for it', async () => (await names())?.includes('POSTGRES_URI'));
    await platforms.becomes(namespace, 'StoresReady', { status: 'False' });
  }, 60_000);
});

describe('a volume', () => {
  test('is shared by services, is repaired, and stays when nobody wants it any more', async () => {
    const namespace = await cluster.namespace();
    const name = 'shop-datasets';
    const claim = async () => cluster.client.get(PersistentVolumeClaims, { namespace, name });
    const needs = (readOnly: boolean) => [{ volume: { name: 'datasets', mountPath: '/data', readOnly } }];
    const services = [own({ needs: needs(false) }), { name: 'reader', image: 'x', needs: needs(true) }];
    await platforms.create(namespace, { volumes: [{ name: 'datasets', storage: '1Gi', accessModes: ['ReadWriteMany'], storageClassName: 'nfs' }], services });
    await platforms.ready(namespace);
    const mounts = await Promise.all([MINE, 'shop-reader'].map(async (deployment) => (await mainContainer(namespace, deployment))?.volumeMounts?.find(({ mountPath }) => mountPath === '/data')));
    expect(mounts).toEqual([{ name: 'volume-datasets', mountPath: '/data' }, { name: 'volume-datasets', mountPath: '/data', readOnly: true }]);
    const made = await claim();
    expect(made).toMatchObject({ spec: { accessModes: ['ReadWriteMany'], storageClassName: 'nfs', resources: { requests: { storage: '1Gi' } } } });
    expect(made?.metadata.ownerReferences).toBeUndefined();

    await cluster.client.mergePatch(PersistentVolumeClaims, { namespace, name }, { metadata: { annotations: { 'argocd.argoproj.io/sync-options': null } } });
    await eventually('the annotation is back', async () => (await claim())?.metadata.annotations?.['argocd.argoproj.io/sync-options']);
    await platforms.change(namespace, { volumes: null, services: [own()] });
    await platforms.ready(namespace);
    await cluster.client.delete(OrderPlatforms, { namespace, name: 'shop' });
    await eventually('the platform is gone', async () => !(await cluster.client.get(OrderPlatforms, { namespace, name: 'shop' })));
    expect((await claim())?.metadata.uid).toBe(made?.metadata.uid);
  }, 60_000); // prettier-ignore

  test('grows where its class allows it, and where not, says so and holds up nothing else', async () => {
    const namespace = await cluster.namespace();
    const [fixed, growing] = ['fixed', 'growing'].map((name) => ({ name, storage: '1Gi', storageClassName: name }));
    const size = async (name: string) =>
      (await cluster.client.get(PersistentVolumeClaims, { namespace, name: `shop-${name}` }))?.spec?.resources?.requests?.storage;
    for (const { name } of [fixed, growing] as { name: string }[]) {
      await cluster.client.create(StorageClasses, { metadata: { name }, provisioner: 'example.com/none', allowVolumeExpansion: name === 'growing' });
      const spec = { capacity: { storage: '1Gi' }, accessModes: ['ReadWriteOnce'], storageClassName: name, hostPath: { path: '/nowhere' } };
      await cluster.client.create(PersistentVolumes, { metadata: { name }, spec });
    }
    await platforms.create(namespace, { volumes: [fixed, growing] as never, services: [own()] });
    await platforms.ready(namespace);
    for (const name of ['shop-fixed', 'shop-growing'])
      await eventually(`${name} is bound`, async () => (await cluster.client.get(PersistentVolumeClaims, { namespace, name }))?.status?.phase === 'Bound');

    const volumes = [fixed, growing].map((volume) => ({ ...volume, storage: '2Gi' }));
    await platforms.change(namespace, { volumes, services: [own({ image: 'y' })] });
    const { message } = await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'VolumeCannotGrow' });
    expect(message).toContain('volume claim shop-fixed stays at 1Gi, because its StorageClass fixed does not let volumes grow (allowVolumeExpansion): put storage back to 1Gi, allow it in the class if its driver can, or use a volume of another name');
    expect([await size('fixed'), await size('growing')]).toEqual(['1Gi', '2Gi']);
    expect((await mainContainer(namespace))?.image).toBe('y');
    await platforms.change(namespace, { volumes: [fixed, growing] });
    const growth = await platforms.becomes(namespace, 'ServicesAvailable', { status: 'False', reason: 'VolumeGrowing' });
    expect(growth.message).toContain('volume claim shop-growing grows: from 1Gi to 2Gi');
    await cluster.client.mergePatch(PersistentVolumeClaims, { namespace, name: 'shop-growing' }, { status: { capacity: { storage: '2Gi' } } }, { subresource: 'status' });
    await platforms.ready(namespace);
    expect([await size('fixed'), await size('growing')]).toEqual(['1Gi', '2Gi']);
  }, 60_000); // prettier-ignore

  test('that one node has alone is given back by the old pod before the new one starts', async () => {
    const namespace = await cluster.namespace();
    const strategy = async () => (await cluster.client.get(Deployments, { namespace, name: MINE }))?.spec?.strategy;
    await platforms.create(namespace, { volumes: [{ name: 'disk', storage: '1Gi' }], services: [own()] });
    await platforms.ready(namespace);
    expect((await strategy())?.type).toBe('RollingUpdate');
    await platforms.change(namespace, {
      services: [own({ needs: [{ volume: { name: 'disk', mountPath: '/data' } }] })],
    });
    await platforms.ready(namespace);
    expect(await strategy()).toEqual({ type: 'Recreate' });
  }, 60_000);
});

describe('a CronJob', () => {
  const lookUp = (namespace: string): Promise<CronJob | undefined> =>
    cluster.client.get(CronJobs, { namespace, name: MINE });

  test('takes the place of a Deployment, and gives it back, with nothing left over', async () => {
    const namespace = await cluster.namespace();
    const exists = async () => {
      const key = { namespace, name: MINE };
      const kinds = { Deployments, CronJobs, Services, ServiceAccounts };
      const found = await Promise.all(
        Object.entries(kinds).map(async ([kind, resource]) => ((await cluster.client.get(resource as never, key)) ? [kind] : [])),
      );
      return found.flat();
    };
    const becomes = (kinds: string[]) =>
      eventually(`there are ${kinds.join()}`, async () => (await exists()).join() === kinds.join(), exists);
    await platforms.create(namespace, { services: [own({ port: 9000 })] });
    await becomes(['Deployments', 'Services', 'ServiceAccounts']);
    await platforms.change(namespace, { services: [own({ ...nightly, timeZone: 'Europe/Berlin' })] });
    await becomes(['CronJobs', 'ServiceAccounts']);
    expect((await lookUp(namespace))?.spec).toMatchObject({ schedule: '0 2 * * *', timeZone: 'Europe/Berlin', concurrencyPolicy: 'Forbid' });
    await platforms.ready(namespace);
    await cluster.client.mergePatch(CronJobs, { namespace, name: MINE }, { spec: { schedule: '1 1 1 1 1', suspend: false } });
    await eventually('drift is repaired', async () => (await lookUp(namespace))?.spec?.schedule === '0 2 * * *');
    await platforms.change(namespace, { services: [own({ ...nightly, schedule: '@daily', concurrencyPolicy: 'Replace' })] });
    await eventually('it changes', async () => (await lookUp(namespace))?.spec?.concurrencyPolicy === 'Replace');
    expect((await lookUp(namespace))?.spec?.timeZone).toBeUndefined();
    await platforms.change(namespace, { services: [own({ port: 9000 })] });
    await becomes(['Deployments', 'Services', 'ServiceAccounts']);
    await platforms.change(namespace, { services: [] });
    await becomes([]);
  }, 60_000); // prettier-ignore

  test('whose run failed is the cause, in the words of its pod, until one succeeds or it is changed', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { services: [own(nightly)] });
    const component = async () => (await platforms.read(namespace)).status?.components;
    await platforms.ready(namespace);
    expect(await component()).toEqual([{ name: 'mine', kind: 'CronJob', ready: 1, desired: 1, version: 'x' }]);

    await cluster.kubelet.behave(/^bad-/, { kind: 'crash', log: '{"level":"error","msg":"no rows to report"}' });
    await startRun(namespace, 'bad-1');
    const message = /^0 of 1 services are available: mine did not get its work done: run bad-1 failed: pod bad-1-\S+ crashed \(main: exit code 1\): no rows to report$/;
    await platforms.becomes(namespace, 'Ready', { status: 'False', reason: 'RunFailed', message });
    expect(await component()).toMatchObject([{ name: 'mine', ready: 0, desired: 1, message: expect.stringContaining('no rows to report') }]);
    await startRun(namespace, 'good-1');
    await platforms.ready(namespace);

    await startRun(namespace, 'bad-2');
    await platforms.becomes(namespace, 'Ready', { status: 'False', reason: 'RunFailed' });
    await platforms.change(namespace, { services: [own({ ...nightly, args: ['--all'] })] });
    await platforms.ready(namespace);
  }, 90_000); // prettier-ignore

  test('waits for what it requires, and runs as before meanwhile', async () => {
    const namespace = await cluster.namespace();
    const requires = [{ seed: 'templates' }];
    await platforms.create(namespace, { services: [own({ ...nightly, requires })] });
    const first = await platforms.becomes(namespace, 'Ready', { status: 'False', reason: 'WaitingForRequirement' });
    expect(first.message).toContain('mine waits: SeedJob templates does not exist');
    expect(await lookUp(namespace)).toBeUndefined();
    await platforms.change(namespace, { services: [own(nightly)] });
    await platforms.ready(namespace);
    await platforms.change(namespace, { services: [own({ ...nightly, schedule: '@hourly', image: 'y', requires })] });
    const then = await platforms.becomes(namespace, 'Ready', { status: 'False', reason: 'WaitingForRequirement' });
    expect(then.message).toContain('mine runs as before');
    const { schedule, jobTemplate } = (await lookUp(namespace))?.spec ?? {};
    expect([schedule, jobTemplate?.spec?.template.spec?.containers[0]?.image]).toEqual(['@hourly', 'x']);
  }, 60_000);

  test('in a time zone that nobody knows is refused in words', async () => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { services: [own({ ...nightly, timeZone: 'Europe/Atlantis' })] });
    const { message } = await platforms.becomes(namespace, 'Stalled', { status: 'True', reason: 'InvalidSpec' });
    expect(message).toContain('unknown time zone Europe/Atlantis');
  }, 60_000);
});

test('a steady platform with all of this causes no mutating request', async () => {
  const namespace = await cluster.namespace();
  await cluster.client.create(ConfigMaps, { metadata: { name: 'flags', namespace }, data: { all: '{}' } });
  await cluster.client.create(Secrets, dockerConfig('regcred', namespace));
  const probe = { path: '/', port: 9001, initialDelaySeconds: 0, periodSeconds: 2, timeoutSeconds: 1, failureThreshold: 5 };
  await platforms.create(namespace, {
    profile: 'prod',
    images: { pullSecrets: [{ name: 'regcred' }] },
    volumes: [{ name: 'disk', storage: '1Gi' }],
    services: [
      own({ port: 9000, env: [{ name: 'FLAGS', valueFrom: { configMapKeyRef: { name: 'flags', key: 'all' } } }, { name: 'EMPTY', value: '' }], probes: { startup: probe, readiness: probe, liveness: { command: ['alive'] } }, needs: [{ volume: { name: 'disk', mountPath: '/data', readOnly: true } }] }),
      { name: 'nightly', image: 'x', ...nightly, timeZone: 'UTC' },
    ],
  });
  await platforms.ready(namespace);
  await operator.idle();
  const before = await cluster.writes(namespace);
  await operator.kill();
  operator = cluster.startOperator();
  await operator.idle();
  expect((await cluster.writes(namespace)).slice(before.length)).toEqual([]);
}, 60_000); // prettier-ignore
