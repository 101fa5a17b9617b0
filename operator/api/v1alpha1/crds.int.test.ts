import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startControlPlane, type ControlPlane } from '@orderplane/hack/testing/control-plane.ts';
import {
  createClient,
  CustomResourceDefinitions,
  findCondition,
  type Client,
  type KubeObject,
  type Resource,
} from '../../runtime/index.ts';
import { KINDS } from './kinds.ts';
import { Migrations, OrderPlatforms, SeedJobs } from './objects.ts';

const root = join(import.meta.dirname, '../../..');
const RESOURCES: Record<string, Resource> = { OrderPlatform: OrderPlatforms, Migration: Migrations, SeedJob: SeedJobs };

let plane: ControlPlane;
let client: Client;

beforeAll(async () => {
  plane = await startControlPlane({ name: 'crds' });
  client = createClient({ kubeconfig: { path: plane.kubeconfig } });
  for (const file of await readdir(join(root, 'crds'))) {
    const crd = parse(await readFile(join(root, 'crds', file), 'utf8'));
    await client.apply(CustomResourceDefinitions, crd);
    await established(crd.metadata.name);
  }
}, 60_000);

afterAll(async () => {
  await client?.close();
  await plane?.stop();
});

async function established(name: string): Promise<void> {
  for (;;) {
    const crd = await client.get(CustomResourceDefinitions, { namespace: '', name });
    const conditions = crd?.status?.conditions ?? [];
    const refused = conditions.find(({ type, status }) => type === 'NonStructuralSchema' && status === 'True');
    if (refused) throw new Error(refused.message);
    if (findCondition(conditions, 'Established')?.status === 'True') return;
  }
}

const dryRun = (object: KubeObject) =>
  client.create(RESOURCES[object.kind ?? ''] as Resource, object, { dryRun: true });
const object = (kind: string, name: string, spec: object) => ({
  apiVersion: 'orderplane.dev/v1alpha1',
  kind,
  metadata: { name, namespace: 'default' },
  spec,
});
const platform = (spec: object, name = 'shop') => object('OrderPlatform', name, spec);
const withService = (service: object) => platform({ services: [service] });
const managed = { managed: { storage: '1Gi' } };
const migration = (spec: object) =>
  object('Migration', 'reports', {
    platformRef: { name: 'shop' },
    engine: 'postgres',
    database: 'reports',
    source: { configMapRef: { name: 'sql' } },
    ...spec,
  });
const seed = (dataset: object) =>
  object('SeedJob', 'products', {
    platformRef: { name: 'shop' },
    datasets: [
      {
        name: 'products',
        engine: 'postgres',
        database: 'inventory',
        table: 'products',
        key: ['id'],
        mode: 'Upsert',
        rows: [{ id: 'p1' }],
        ...dataset,
      },
    ],
  });

describe('the API server accepts', () => {
  test('every manifest of the examples', async () => {
    const folder = join(root, 'examples/ultralight');
    const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml')).sort();
    for (const file of files) {
      const manifest = parse(await readFile(join(folder, file), 'utf8'));
      if (RESOURCES[manifest.kind])
        await dryRun({ ...manifest, metadata: { ...manifest.metadata, namespace: 'default' } });
    }
    expect(files.length).toBeGreaterThan(2);
  });

  test.each<[string, KubeObject]>([
    ['an empty platform', platform({})],
    ['a service of the user with needs, requirements and a numeric cpu', withService({
      name: 'reports', image: 'registry.example/reports:1.4', port: 9000, command: ['run'], args: ['--fast'],
      env: [{ name: 'REGION', value: 'eu' }],
      resources: { requests: { cpu: 1, memory: '64Mi' }, limits: { cpu: '500m' } },
      needs: [{ postgres: { database: 'reports', access: 'ReadOnly' } }, { broker: { consume: ['order_created'] } }, { service: { name: 'orders' } }],
      requires: [{ migration: 'reports-schema', version: '0003' }, { seed: 'templates' }],
    })],
    ['a service with probes, scaling and values from elsewhere', withService({
      name: 'reports', image: 'x', port: 9000, autoscaling: { minReplicas: 2, maxReplicas: 9, targetCPUUtilizationPercentage: 60 },
      env: [{ name: 'EMPTY', value: '' }, { name: 'KEY', valueFrom: { secretKeyRef: { name: 'stripe', key: 'api-key', optional: true } } }, { name: 'FLAGS', valueFrom: { configMapKeyRef: { name: 'flags', key: 'all.json' } } }],
      probes: { startup: { failureThreshold: 300 }, readiness: { path: '/ready', port: 9001, periodSeconds: 1 }, liveness: { command: ['alive'], timeoutSeconds: 9, initialDelaySeconds: 0 } },
    })],
    ['images of a mirror, with pull secrets', platform({ images: { registry: 'registry.example:5000/mirror/a_b', pullSecrets: [{ name: 'regcred' }] } })],
    ['volumes, shared and not', platform({ volumes: [{ name: 'datasets', storage: '5Gi', storageClassName: 'nfs', accessModes: ['ReadWriteMany'] }, { name: 'cache', storage: '1Gi' }], services: [{ name: 'a', image: 'x', needs: [{ volume: { name: 'datasets', mountPath: '/data/sets', readOnly: true } }, { mongo: { database: 'a' }, optional: true }] }] })],
    ...['0 2 * * *', '*/5 0-6,22 1,15 JAN-mar Mon', '@daily', '30 23 31 12 0'].map((schedule): [string, KubeObject] => [`a CronJob at ${schedule}`, withService({ name: 'reports', image: 'x', type: 'CronJob', schedule, timeZone: 'Europe/Berlin', concurrencyPolicy: 'Replace' })]),
    ['an external store', platform({ stores: { postgres: { external: { secretRef: { name: 'rds' } } } } })],
    ['everything of the edge', { ...withService({ name: 'reports', image: 'x', port: 9000, routes: ['/', '/reports/v1'] }), spec: {
      exposure: { ingress: { host: 'shop.example.com', className: 'nginx', tls: { clusterIssuer: 'letsencrypt' }, requestsPerMinute: 100 } },
      networkPolicy: { enabled: false },
      observability: { metrics: { interval: '30s', labels: { release: 'x', 'example.com/team': 'shop' } }, tracing: { otlpEndpoint: 'http://[fd00::1]:4318' } },
    } } as KubeObject],
    ['a certificate of the user', platform({ exposure: { ingress: { host: 'a.example', tls: { secretName: 'wildcard' } } } })],
    ['external stores and an external broker', platform({ stores: { postgres: { external: { secretRef: { name: 'rds' }, provisioning: 'None' } }, mongo: { external: { secretRef: { name: 'atlas' }, provisioning: 'Managed' } } }, broker: { nats: { external: { secretRef: { name: 'nats' } } } } })],
    ['an inline migration', migration({ source: { inline: [{ version: '0001', name: 'init', up: 'select 1' }] }, policy: { lockTimeout: '5s' } })],
    ['a migration of a database of no platform', { ...migration({}), spec: { target: { secretRef: { name: 'db' } }, engine: 'mongo', database: 'x', source: { configMapRef: { name: 'y' } } } } as KubeObject],
    ['rows of any shape', seed({ rows: [{ id: 1, nested: { a: [1, null] } }] })],
  ])('%s', async (_, accepted) => {
    await expect(dryRun(accepted)).resolves.toBeDefined();
  }); // prettier-ignore
});

/** What no field could break alone; single fields have their cases in field-cases/. */
describe('the API server refuses, and says why:', () => {
  test.each<[string, KubeObject, string | RegExp]>([
    ['a name that is too long', platform({}, 'a-name-that-is-far-too-long'), 'at most 24 characters'],
    ['a name that starts with a digit', platform({}, '1shop'), 'starts with a letter'],
    ['anonymous orders under profile prod', platform({ profile: 'prod', services: [{ name: 'gateway' }], identity: { anonymousOrders: true } }), 'profile prod takes no anonymous orders: drop identity.anonymousOrders and add the service users'],
    ['accounts that nobody keeps', platform({ identity: { builtIn: {} } }), 'identity.builtIn has no effect without the service users'],
    ['anonymous orders that nobody takes', platform({ identity: { anonymousOrders: false } }), 'identity.anonymousOrders has no effect without the service gateway'],
    ['a progress deadline of no time', platform({ progressDeadlineSeconds: 0 }), /progressDeadlineSeconds.*greater than or equal to 1/],
    ['a progress deadline of two days', platform({ progressDeadlineSeconds: 172_800 }), /progressDeadlineSeconds.*less than or equal to 86400/],
    ['an unknown policy of upgrades', platform({ upgrades: { policy: 'Sometimes' } }), /policy.*supported values: "OnRequest", "Automatic"/],
    ['an accepted upgrade that is no revision', platform({ upgrades: { accepted: 'latest' } }), /accepted.*should match/],
    ['both managed and external', platform({ stores: { postgres: { ...managed, external: { secretRef: { name: 'x' } } } } }), 'exactly one of managed and external for stores.postgres'],
    ['neither managed nor external', platform({ stores: { mongo: {} } }), 'exactly one of managed and external for stores.mongo'],
    ['a major of PostgreSQL that nobody knows', platform({ stores: { postgres: { managed: { storage: '1Gi', version: '9' } } } }), /version.*supported values: "16", "17"/],
    ['a major of PostgreSQL that is a number', platform({ stores: { postgres: { managed: { storage: '1Gi', version: 17 } } } }), /version.*must be of type string/],
    ['resources of a store that are none', platform({ stores: { mongo: { managed: { storage: '1Gi', resources: { limits: { cpu: 'fast' } } } } } }), /cpu.*should match/],
    ['negative resources of a store', platform({ broker: { nats: { managed: { storage: '1Gi', resources: { requests: { memory: -1 } } } } } }), /memory/],
    ['an unknown provisioning', platform({ stores: { postgres: { external: { secretRef: { name: 'x' }, provisioning: 'Some' } } } }), /provisioning.*supported values: "Managed", "None"/],
    ['an external store without a Secret', platform({ stores: { mongo: { external: {} } } }), /secretRef.*Required value/],
    ['a Secret of an external store with a slash', platform({ stores: { mongo: { external: { secretRef: { name: 'ns/name' } } } } }), /secretRef.name.*should match/],
    ['a broker both managed and external', platform({ broker: { nats: { ...managed, external: { secretRef: { name: 'x' } } } } }), 'exactly one of managed and external for broker.nats'],
    ['a broker neither managed nor external', platform({ broker: { nats: {} } }), 'exactly one of managed and external for broker.nats'],
    ['an external broker without a Secret', platform({ broker: { nats: { external: {} } } }), /secretRef.*Required value/],
    ["the variable of the broker's authority", withService({ name: 'orders', env: [{ name: 'BROKER_CA_FILE', value: 'x' }] }), 'use needs for connections'],
    ['two services of one name', platform({ services: [{ name: 'orders' }, { name: 'orders' }] }), 'Duplicate value'],
    ['a service that is not of the release, without an image', withService({ name: 'reports' }), 'not of the release (gateway, users, inventory, orders, order-query, payments, storefront) needs an image'],
    ['two needs of Postgres', withService({ name: 'reports', image: 'x', needs: [{ postgres: { database: 'a', access: 'ReadOnly' } }, { postgres: { database: 'b', access: 'ReadOnly' } }] }), 'can have one need of postgres'],
    ['a need of two things at once', withService({ name: 'reports', image: 'x', needs: [{ mongo: { database: 'a' }, service: { name: 'orders' } }] }), 'exactly one of postgres, mongo, redis, broker, service and volume'],
    ['a need of nothing', withService({ name: 'reports', image: 'x', needs: [{}] }), 'exactly one of postgres, mongo, redis, broker, service and volume'],
    ['replicas beside autoscaling', withService({ name: 'orders', replicas: 3, autoscaling: { maxReplicas: 5 } }), 'set either replicas, for a fixed number of pods, or autoscaling'],
    ['more replicas at least than at most', withService({ name: 'orders', autoscaling: { minReplicas: 6, maxReplicas: 5 } }), 'minReplicas is at most maxReplicas'],
    ['no upper bound of replicas', withService({ name: 'orders', autoscaling: {} }), /maxReplicas.*Required value/],
    ['a target of no load', withService({ name: 'orders', autoscaling: { maxReplicas: 5, targetCPUUtilizationPercentage: 0 } }), /targetCPUUtilizationPercentage.*greater than or equal to 1/],
    ['a value from two places', withService({ name: 'orders', env: [{ name: 'A', value: 'x', valueFrom: { secretKeyRef: { name: 'x', key: 'y' } } }] }), 'exactly one of value and valueFrom'],
    ['a variable without a value', withService({ name: 'orders', env: [{ name: 'A' }] }), 'exactly one of value and valueFrom'],
    ['a value from nowhere', withService({ name: 'orders', env: [{ name: 'A', valueFrom: {} }] }), 'exactly one of secretKeyRef and configMapKeyRef'],
    ['a key that can be none', withService({ name: 'orders', env: [{ name: 'A', valueFrom: { configMapKeyRef: { name: 'x', key: 'a b' } } }] }), /key.*should match/],
    ['a probe of two kinds', withService({ name: 'orders', probes: { liveness: { path: '/', command: ['x'] } } }), 'either a path or a command'],
    ['a probe by command of a port', withService({ name: 'orders', probes: { readiness: { port: 1, command: ['x'] } } }), 'asks no port'],
    ['a probe of a relative path', withService({ name: 'orders', probes: { startup: { path: 'health' } } }), /path.*should match/],
    ['a probe at no time', withService({ name: 'orders', probes: { startup: { periodSeconds: 0 } } }), /periodSeconds.*greater than or equal to 1/],
    ['an unknown type', withService({ name: 'reports', image: 'x', type: 'DaemonSet' }), /type.*supported values: "Deployment", "CronJob"/],
    ['a CronJob without a schedule', withService({ name: 'reports', image: 'x', type: 'CronJob' }), 'a service of type CronJob has a schedule'],
    ['a schedule of a Deployment', withService({ name: 'reports', image: 'x', schedule: '@daily' }), 'a service of type CronJob has a schedule, and no other has one'],
    ['a time zone of a Deployment', withService({ name: 'reports', image: 'x', timeZone: 'UTC' }), 'belong to a schedule'],
    ['a time zone that is none', withService({ name: 'reports', image: 'x', type: 'CronJob', schedule: '@daily', timeZone: '/' }), /timeZone.*should match/],
    ['an unknown concurrency policy', withService({ name: 'reports', image: 'x', type: 'CronJob', schedule: '@daily', concurrencyPolicy: 'Never' }), /concurrencyPolicy.*supported values: "Allow", "Forbid", "Replace"/],
    ['a CronJob with a port', withService({ name: 'reports', image: 'x', type: 'CronJob', schedule: '@daily', port: 9000 }), 'it has no replicas, autoscaling, port, probes'],
    ...['daily', '0 2 * *', '60 2 * * *', '0 24 * * *', '0 0 32 * *', '0 0 1 13 *', '0 0 * * 8', '@often', 'TZ=UTC 0 2 * * *', '0 2 * * * *'].map((schedule): [string, KubeObject, string] => [`the schedule ${schedule}`, withService({ name: 'reports', image: 'x', type: 'CronJob', schedule }), 'schedule has five fields']),
    ...['https://registry.example', 'registry.example/', 'Registry.example', 'a b', 'registry.example:port'].map((registry): [string, KubeObject, string] => [`the registry ${registry}`, platform({ images: { registry } }), 'registry is a host']),
    ['two pull secrets of one name', platform({ images: { pullSecrets: [{ name: 'a' }, { name: 'a' }] } }), 'Duplicate value'],
    ['two volumes of one name', platform({ volumes: [{ name: 'a', storage: '1Gi' }, { name: 'a', storage: '1Gi' }] }), 'Duplicate value'],
    ['an unknown access mode', platform({ volumes: [{ name: 'a', storage: '1Gi', accessModes: ['Any'] }] }), /accessModes.*supported values/],
    ['no access mode', platform({ volumes: [{ name: 'a', storage: '1Gi', accessModes: [] }] }), /accessModes.*at least 1 items/],
    ...['data', '/data/', '/', '/a/../b', '/a:b'].map((mountPath): [string, KubeObject, RegExp] => [`a volume mounted at ${mountPath}`, withService({ name: 'orders', needs: [{ volume: { name: 'a', mountPath } }] }), /mountPath is an absolute path|mountPath.*at least 2/]),
    ['a volume over /tmp', withService({ name: 'orders', needs: [{ volume: { name: 'a', mountPath: '/tmp' } }] }), 'are taken: mount the volume elsewhere'],
    ['a version required of a seed', withService({ name: 'orders', requires: [{ seed: 'a', version: '1' }] }), 'version belongs to a migration'],
    ['a host that is none', platform({ exposure: { ingress: { host: 'https://shop.example.com' } } }), /host.*should match/],
    ['a host without a domain', platform({ exposure: { ingress: { host: 'shop' } } }), /host.*should match/],
    ['an exposure without a host', platform({ exposure: { ingress: {} } }), /host.*Required value/],
    ['a class with a space', platform({ exposure: { ingress: { host: 'a.example', className: 'my class' } } }), /className.*should match/],
    ['an empty class', platform({ exposure: { ingress: { host: 'a.example', className: '' } } }), /className.*at least 1 char/],
    ['two certificates', platform({ exposure: { ingress: { host: 'a.example', tls: { clusterIssuer: 'a', secretName: 'b' } } } }), 'exactly one of clusterIssuer and secretName'],
    ['TLS with no certificate', platform({ exposure: { ingress: { host: 'a.example', tls: {} } } }), 'exactly one of clusterIssuer and secretName'],
    ['an issuer with capitals', platform({ exposure: { ingress: { host: 'a.example', tls: { clusterIssuer: 'LetsEncrypt' } } } }), /clusterIssuer.*should match/],
    ['a certificate with a slash', platform({ exposure: { ingress: { host: 'a.example', tls: { secretName: 'ns/name' } } } }), /secretName.*should match/],
    ['no requests at all', platform({ exposure: { ingress: { host: 'a.example', requestsPerMinute: 0 } } }), /requestsPerMinute.*greater than or equal to 1/],
    ['half a request', platform({ exposure: { ingress: { host: 'a.example', requestsPerMinute: 0.5 } } }), /requestsPerMinute.*must be of type integer/],
    ['policies that are neither on nor off', platform({ networkPolicy: { enabled: 'maybe' } }), /enabled.*must be of type boolean/],
    ['an interval without a unit', platform({ observability: { metrics: { interval: '30' } } }), /interval.*should match/],
    ['a label of the operator', platform({ observability: { metrics: { labels: { 'app.kubernetes.io/name': 'x' } } } }), 'are set by the operator'],
    ['a label that Kubernetes would refuse', platform({ observability: { metrics: { labels: { 'a b': 'x' } } } }), 'the name of a label has letters'],
    ['a value of a label that Kubernetes would refuse', platform({ observability: { metrics: { labels: { release: 'a b' } } } }), /labels.*should match/],
    ['a route that is no path', withService({ name: 'reports', image: 'x', routes: ['reports'] }), /routes.*should match/],
    ['a route with a pattern', withService({ name: 'reports', image: 'x', routes: ['/reports/*'] }), /routes.*should match/],
    ['a route twice', withService({ name: 'reports', image: 'x', routes: ['/a', '/a'] }), 'Duplicate value'],
    ['a service named like the Jobs of migrations', withService({ name: 'migrate', image: 'x' }), "names of the platform's own parts"],
    ['two sources', migration({ source: { configMapRef: { name: 'a' }, release: 'orders' } }), 'exactly one of configMapRef, inline and release'],
    ['platform and target', migration({ target: { secretRef: { name: 'a' } } }), 'exactly one of platformRef and target'],
    ['two inline migrations of one version', migration({ source: { inline: [1, 2].map((n) => ({ version: '0001', name: `m${n}`, up: 'x' })) } }), 'Duplicate value'],
    ['a collection in Postgres', seed({ collection: 'products' }), 'names a table, one for mongo a collection'],
    ['a table in Mongo', seed({ engine: 'mongo' }), 'names a table, one for mongo a collection'],
    ['rows from two places', seed({ from: { generator: { kind: 'products', count: 1 } } }), 'a dataset has its rows either in rows or by from'],
    ['rows from nowhere', seed({ rows: undefined }), 'a dataset has its rows either in rows or by from'],
    ['rows from two places elsewhere', seed({ rows: undefined, from: { generator: { kind: 'products', count: 1 }, configMapRef: { name: 'a', key: 'a.csv' } } }), 'from is exactly one of volume, configMapRef and generator'],
    ['a confirmation of nothing', { ...seed({}), spec: { ...(seed({}) as unknown as { spec: object }).spec, confirm: 'abcd' } } as KubeObject, 'confirm belongs to datasets of mode Replace'],
  ])('%s', async (_, illegal, message) => {
    await expect(dryRun(illegal)).rejects.toThrow(message);
  }); // prettier-ignore

  test.each<[string, Record<string, unknown>, Record<string, unknown>, string]>([
    ['a store that moves outside', { stores: { postgres: managed } }, { stores: { postgres: { external: { secretRef: { name: 'x' } } } } }, 'cannot change between managed and external'],
    ['a broker that moves outside', { broker: { nats: managed } }, { broker: { nats: { external: { secretRef: { name: 'x' } } } } }, 'broker.nats cannot change between managed and external'],
    ['a store that is dropped', { stores: { postgres: managed, mongo: managed } }, { stores: { mongo: managed } }, 'stores.postgres cannot be removed'],
    ['Redis moved outside', { stores: { redis: { managed: {} } } }, { stores: { redis: { external: { secretRef: { name: 'x' } } } } }, 'stores.redis cannot change between managed and external'],
    ['Redis dropped', { stores: { redis: { managed: {} } } }, { stores: {} }, 'stores.redis cannot be removed'],
    ["Redis's volume shrunk to less than its default", { stores: { redis: { managed: {} } } }, { stores: { redis: { managed: { storage: '512Mi' } } } }, 'stores.redis.managed.storage cannot shrink'],
    ['all stores dropped', { stores: { postgres: managed } }, {}, 'stores cannot be removed'],
    ['a volume that shrinks', { stores: { postgres: managed } }, { stores: { postgres: { managed: { storage: '1023Mi' } } } }, 'stores.postgres.managed.storage cannot shrink'],
    ["a broker's volume that shrinks", { broker: { nats: managed } }, { broker: { nats: { managed: { storage: '500Mi' } } } }, 'broker.nats.managed.storage cannot shrink'],
    ['another major of PostgreSQL', { stores: { postgres: managed } }, { stores: { postgres: { managed: { storage: '1Gi', version: '16' } } } }, 'one major of PostgreSQL does not open the data of another'],
    ['a volume that changes its class', { broker: { nats: managed } }, { broker: { nats: { managed: { storage: '1Gi', storageClassName: 'fast' } } } }, 'storageClassName cannot be changed'],
    ['a volume of its own that changes its class', { volumes: [{ name: 'a', storage: '1Gi' }] }, { volumes: [{ name: 'a', storage: '1Gi', storageClassName: 'fast' }] }, 'storageClassName cannot be changed'],
    ['a volume of its own that changes its access', { volumes: [{ name: 'a', storage: '1Gi' }] }, { volumes: [{ name: 'a', storage: '1Gi', accessModes: ['ReadWriteMany'] }] }, 'accessModes cannot be changed'],
    ['a broker that is dropped', { broker: { nats: managed } }, { broker: {} }, 'broker.nats cannot be removed'],
  ])('an update with %s', async (_, before, after, message) => {
    const stored = await client.create(OrderPlatforms as Resource, platform(before, 'update'));
    try {
      const replace = client.mergePatch(OrderPlatforms, { namespace: 'default', name: 'update' }, { spec: nulled(before, after) });
      await expect(replace).rejects.toThrow(message);
    } finally {
      await client.delete(OrderPlatforms, { namespace: 'default', name: 'update' }, { uid: stored.metadata.uid as string });
    }
  }); // prettier-ignore
});

test('a volume may grow, and what it has not come to may be taken back', async () => {
  const key = { namespace: 'default', name: 'growing' };
  await client.create(OrderPlatforms as Resource, platform({ stores: { mongo: managed } }, key.name));
  const resize = (storage: string) => client.mergePatch(OrderPlatforms, key, { spec: { stores: { mongo: { managed: { storage } } } } });
  await resize('2Gi');
  await expect(resize('1Gi')).rejects.toThrow('cannot shrink');
  await client.mergePatch(OrderPlatforms, key, { status: { volumes: { postgres: '1Gi', mongo: '1536Mi' } } }, { subresource: 'status' });
  await expect(resize('1Gi')).rejects.toThrow('cannot shrink');
  await expect(resize('1.5Gi')).rejects.toThrow('should match');
  await resize('1536Mi');
}); // prettier-ignore

/** A merge patch that turns one value into the other. */
function nulled(before: Record<string, unknown>, after: Record<string, unknown>): Record<string, unknown> {
  const isMap = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  const gone = Object.fromEntries(
    Object.keys(before)
      .filter((key) => !(key in after))
      .map((key) => [key, null]),
  );
  const changed = Object.entries(after).map(([key, value]) => {
    const old = before[key];
    return [key, isMap(old) && isMap(value) ? nulled(old, value) : value];
  });
  return { ...gone, ...Object.fromEntries(changed) };
}

test('a new object looks finished to nobody: its status says that it was not looked at', async () => {
  await client.create(OrderPlatforms as Resource, platform({}, 'fresh'));
  const stored = await client.get(OrderPlatforms, { namespace: 'default', name: 'fresh' });
  expect(stored?.status).toEqual({ observedGeneration: -1 });
  expect(stored?.spec.profile).toBe('dev');
});

test('the API server publishes the description of every field, as kubectl explain shows it', async () => {
  const schemas = JSON.parse(await client.raw('/openapi/v3/apis/orderplane.dev/v1alpha1')).components.schemas;
  for (const { kind, description } of Object.values(KINDS)) {
    const schema = schemas[`dev.orderplane.v1alpha1.${kind}`];
    expect(schema.description).toBe(description);
    expect(undescribed(schema.properties.spec, 'spec')).toEqual([]);
  }
});

interface Published {
  description?: string;
  properties?: Record<string, Published>;
  items?: Published;
}

function undescribed(schema: Published, path: string): string[] {
  const here = schema.description ? [] : [path];
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, property]) =>
    undescribed(property, `${path}.${name}`),
  );
  const items = Object.entries(schema.items?.properties ?? {}).flatMap(([name, property]) =>
    undescribed(property, `${path}[].${name}`),
  );
  return [...here, ...below, ...items];
}
