import { describe, expect, test } from '@jest/globals';
import { orderPlatformSpec, type OrderPlatform } from '../api/v1alpha1/index.ts';
import { desiredObjects } from './desired.ts';
import { fromRegistry } from './images.ts';
import type { Platform } from './platform.ts';
import { RELEASE_IMAGES } from './release-images.ts';
import { resolvePlatform } from './resolve.ts';

const identity = { name: 'shop', namespace: 'apps', uid: 'uid' };
const volume = { managed: { storage: '1Gi' } };
const stores = { postgres: volume, mongo: volume };
const broker = { nats: volume };

const resolve = (spec: OrderPlatform['spec'], name = identity.name) =>
  resolvePlatform({ ...identity, name }, orderPlatformSpec.parse(spec), RELEASE_IMAGES);

function platformOf(spec: OrderPlatform['spec']): Platform {
  const { platform, violations } = resolve(spec);
  if (!platform) throw new Error(violations.join());
  return platform;
}

/** The environment of a service's pods, as NAME=value or NAME<secret/key. */
function environmentOf(platform: Platform, name: string): string[] {
  const objects = desiredObjects(platform, {}).services.find(({ service }) => service.name === name);
  const container = objects?.deployment?.spec?.template.spec?.containers[0];
  return (container?.env ?? []).map(({ name, value, valueFrom }) => {
    const { name: secret, key } = valueFrom?.secretKeyRef ?? {};
    return value === undefined ? `${name}<${secret}/${key}` : `${name}=${value}`;
  });
}

describe('the environment of a service has', () => {
  test.each<[string, OrderPlatform['spec'], string, string[]]>([
    [
      'the address of every need, for a service of any name',
      {
        stores,
        broker,
        services: [
          { name: 'x7f3', image: 'x', port: 9000, needs: [{ postgres: { database: 'x', access: 'ReadOnly' } }, { mongo: { database: 'y' } }, { broker: { consume: ['order_created'] } }, { service: { name: 'a-b' } }] },
          { name: 'a-b', image: 'x', port: 7000 },
        ],
      },
      'x7f3',
      ['PLATFORM=shop', 'PROFILE=dev', 'LOG_LEVEL=DEBUG', 'PORT=9000', 'POSTGRES_URI<shop-x7f3-postgres/uri', 'MONGO_URI<shop-x7f3-mongo/uri', 'BROKER_URI<shop-x7f3-nats/uri', 'A_B_URL=http://shop-a-b:7000'],
    ],
    [
      "the catalogue's needs and defaults, for a service of the release",
      { profile: 'prod', stores, broker, services: [{ name: 'orders' }, { name: 'inventory' }] },
      'orders',
      ['PLATFORM=shop', 'PROFILE=prod', 'LOG_LEVEL=INFO', 'POSTGRES_URI<shop-orders-postgres/uri', 'BROKER_URI<shop-orders-nats/uri', 'INVENTORY_URL=http://shop-inventory:50053', 'SAGA_STEPS=stock'],
    ],
    [
      'the steps of the saga that the platform has',
      { stores, broker, services: [{ name: 'orders' }, { name: 'inventory' }, { name: 'payments' }] },
      'orders',
      expect.arrayContaining(['SAGA_STEPS=stock,payment']) as unknown as string[],
    ],
    [
      'what customers need, and the way to Redis where there is one, in the service that keeps accounts',
      { profile: 'prod', stores: { ...stores, redis: volume }, broker, services: [{ name: 'users' }], identity: { builtIn: { accessTokenTTL: '5m', refreshTokenTTL: '24h' } } },
      'users',
      ['PLATFORM=shop', 'PROFILE=prod', 'LOG_LEVEL=INFO', 'POSTGRES_URI<shop-users-postgres/uri', 'REDIS_URI<shop-users-redis/uri', 'IDENTITY_SECRET<shop-identity/key', 'ACCESS_TOKEN_TTL=5m', 'REFRESH_TOKEN_TTL=24h'],
    ],
    ...[['dev', undefined, 'true'], ['staging', undefined, 'false'], ['staging', true, 'true'], ['prod', undefined, 'false'], ['dev', false, 'false']].map(([profile, anonymousOrders, expected]): [string, OrderPlatform['spec'], string, string[]] => [
      `whether anonymous orders are taken, for profile ${profile}${anonymousOrders === undefined ? '' : `, where the spec says ${anonymousOrders}`}`,
      { profile, stores, broker, identity: { anonymousOrders }, services: ['gateway', 'inventory', 'orders', 'order-query'].map((name) => ({ name })) } as OrderPlatform['spec'],
      'gateway',
      expect.arrayContaining([`ANONYMOUS_ORDERS=${expected}`]) as unknown as string[],
    ]),
    [
      "the user's values instead of defaults",
      { stores, broker, services: [{ name: 'inventory', port: 6000, env: [{ name: 'LOG_LEVEL', value: 'WARN' }, { name: 'CACHE', value: 'off' }] }] },
      'inventory',
      ['PLATFORM=shop', 'PROFILE=dev', 'PORT=6000', 'POSTGRES_URI<shop-inventory-postgres/uri', 'BROKER_URI<shop-inventory-nats/uri', 'LOG_LEVEL=WARN', 'CACHE=off'],
    ],
    [
      'the changed port of what it calls',
      { stores, broker, services: [{ name: 'orders' }, { name: 'inventory', port: 6000 }] },
      'orders',
      expect.arrayContaining(['INVENTORY_URL=http://shop-inventory:6000']) as unknown as string[],
    ],
  ])('%s', (_, spec, service, environment) => {
    expect(environmentOf(platformOf(spec), service)).toEqual(environment);
  }); // prettier-ignore
});

const own = (service: object) => ({ name: 'reports', image: 'x', ...service });

describe('a platform is refused for', () => {
  test.each<[string, OrderPlatform['spec'], string]>([
    ['a release that the operator does not know', { version: '9.9.9' }, "spec.version 9.9.9 is not in this operator's catalogue, which has 0.1.0"],
    ['a store that is not set', { services: [own({ needs: [{ mongo: { database: 'x' } }] })] }, 'service reports needs mongo, but spec.stores.mongo is not set: add it or drop the need'],
    ['a broker that is not set', { services: [own({ needs: [{ broker: {} }] })] }, 'service reports needs a broker, but spec.broker.nats is not set'],
    ['a need of a service that is not there', { services: [own({ needs: [{ service: { name: 'ghost' } }] })] }, 'service reports needs service ghost, but spec.services has no ghost'],
    ['a need of a service that nobody can call', { services: [own({ needs: [{ service: { name: 'worker' } }] }), { name: 'worker', image: 'x' }] }, 'service reports needs service worker, which has no port'],
    ['a variable that a need sets already', { services: [own({ env: [{ name: 'API_URL', value: 'x' }], needs: [{ service: { name: 'api' } }] }), { name: 'api', image: 'x', port: 8000 }] }, 'service reports sets API_URL, which its need of service api sets already'],
    ['a second database of a service of the release', { stores, broker, services: [{ name: 'inventory', needs: [{ postgres: { database: 'other', access: 'Owner' } }] }] }, 'service inventory of the release has a need of postgres already'],
    ['a service of the release on a schedule', { stores, broker, services: [{ name: 'inventory', type: 'CronJob', schedule: '@daily' }] }, 'service inventory of the release runs all the time, and not as a CronJob'],
    ['a need of a service that runs on a schedule', { services: [own({ needs: [{ service: { name: 'nightly' } }] }), { name: 'nightly', image: 'x', type: 'CronJob', schedule: '@daily' }] }, 'service reports needs service nightly, which has no port'],
    ['a volume that is not there', { services: [own({ needs: [{ volume: { name: 'data', mountPath: '/data' } }] })] }, 'service reports needs volume data, but spec.volumes has no data: add it or drop the need'],
    ['two volumes at one path', { volumes: ['a', 'b'].map((name) => ({ name, storage: '1Gi' })), services: [own({ needs: ['a', 'b'].map((name) => ({ volume: { name, mountPath: '/data' } })) })] }, 'service reports mounts two volumes at /data'],
    ['a probe that has nothing to ask', { services: [own({ probes: { readiness: { path: '/ready' } } })] }, 'the readiness probe of service reports has no port to ask'],
    ['a port that its management takes', { stores, broker, services: [{ name: 'inventory', port: 8081 }] }, 'service inventory cannot listen on 8081, which is its management port'],
  ])('%s', (_, spec, violation) => {
    expect(resolve(spec).violations?.join()).toContain(violation);
  }); // prettier-ignore

  test('a CronJob whose name would be too long', () => {
    const spec = { services: [own({ name: 'x'.repeat(30), type: 'CronJob', schedule: '@daily' })] };
    expect(resolve(spec, 'a'.repeat(24)).violations?.join()).toContain('would have 55 characters, and can have 52');
    expect(resolve(spec, 'a'.repeat(21)).violations).toBeUndefined();
  });

  test('everything that is wrong at once', () => {
    const { violations } = resolve({
      version: '9.9.9',
      services: [own({ needs: [{ mongo: { database: 'x' } }, { broker: {} }] })],
    });
    expect(violations).toHaveLength(3);
  });
});

test('what is optional and not there is left out, and refused where it is not optional', () => {
  const optional = (need: object) => ({ ...need, optional: true });
  const needs = [{ mongo: { database: 'x' } }, { broker: { consume: [] } }, { service: { name: 'ghost' } }, { volume: { name: 'v', mountPath: '/v' } }];
  const absent = { services: [own({ needs: needs.map(optional) as never })] };
  expect(environmentOf(platformOf(absent), 'reports')).toEqual(['PLATFORM=shop', 'PROFILE=dev', 'LOG_LEVEL=DEBUG']);
  expect(resolve({ services: [own({ needs: needs as never })] }).violations).toHaveLength(4);
  const present = { ...absent, stores, broker, volumes: [{ name: 'v', storage: '1Gi' }], services: [...absent.services, { name: 'ghost', image: 'x', port: 7000 }] };
  expect(environmentOf(platformOf(present), 'reports')).toEqual(expect.arrayContaining(['MONGO_URI<shop-reports-mongo/uri', 'BROKER_URI<shop-reports-nats/uri', 'GHOST_URL=http://shop-ghost:7000']));
}); // prettier-ignore

describe('the number of pods', () => {
  test.each<[string, OrderPlatform['spec']['profile'], object, number, string | undefined]>([
    ['follows the profile', 'staging', {}, 2, undefined],
    ['is scaled by load in prod', 'prod', {}, 3, '3-6 at 80 %'],
    ['is fixed where it is said, also in prod', 'prod', { replicas: 2 }, 2, undefined],
    ['may be none', 'prod', { replicas: 0 }, 0, undefined],
    ['is scaled where that is asked for', 'dev', { autoscaling: { maxReplicas: 4, targetCPUUtilizationPercentage: 50 } }, 1, '1-4 at 50 %'],
    ['starts at the least', 'prod', { autoscaling: { minReplicas: 5, maxReplicas: 9 } }, 5, '5-9 at 80 %'],
    ['is never more than the most', 'prod', { autoscaling: { maxReplicas: 2 } }, 2, '2-2 at 80 %'],
  ])('%s', (_, profile, service, replicas, scaled) => {
    const [found] = platformOf({ profile, services: [{ name: 'a', image: 'x', ...service }] }).services;
    const { minReplicas, maxReplicas, targetCPUUtilizationPercentage: percent } = found?.autoscaling ?? {};
    expect(found?.replicas).toBe(replicas);
    expect(minReplicas && `${minReplicas}-${maxReplicas} at ${percent} %`).toBe(scaled);
  }); // prettier-ignore
});

describe('probes', () => {
  const probesOf = (service: object, name = 'mine') => {
    const spec = { stores, broker, services: [{ name, ...(name === 'mine' && { image: 'x' }), ...service }] };
    const deployment = desiredObjects(platformOf(spec), {}).services[0]?.deployment;
    const { startupProbe, readinessProbe, livenessProbe } = deployment?.spec?.template.spec?.containers[0] ?? {};
    const brief = (probe: typeof startupProbe) => {
      const { httpGet, tcpSocket, exec, ...timings } = probe ?? {};
      const asks = httpGet ? `${httpGet.port}${httpGet.path}` : (tcpSocket?.port ?? exec?.command?.join(' '));
      return probe && `${asks} every ${timings.periodSeconds} s, ${timings.failureThreshold} times`;
    };
    return [startupProbe, readinessProbe, livenessProbe].map(brief);
  };
  test.each<[string, object, string | undefined, (string | undefined)[]]>([
    ['of a service of the release ask its management port', {}, 'inventory', ['management/livez every 1 s, 180 times', 'management/readyz every 3 s, 2 times', 'management/livez every 10 s, 6 times']],
    ['keep what the user does not say', { probes: { liveness: { periodSeconds: 60 }, readiness: { path: '/other' } } }, 'inventory', ['management/livez every 1 s, 180 times', 'management/other every 3 s, 2 times', 'management/livez every 60 s, 6 times']],
    ['ask whether the port takes connections', { port: 9000 }, undefined, ['main every 1 s, 180 times', 'main every 3 s, 2 times', 'main every 10 s, 6 times']],
    ['at startup ask what liveness asks', { port: 9000, probes: { liveness: { path: '/live' }, startup: { failureThreshold: 300 } } }, undefined, ['main/live every 1 s, 300 times', 'main every 3 s, 2 times', 'main/live every 10 s, 6 times']],
    ['ask nothing of what does not listen', {}, undefined, [undefined, undefined, undefined]],
    ['ask by command, or at a port of their own', { probes: { liveness: { command: ['is', 'alive'] }, readiness: { path: '/', port: 9001 } } }, undefined, ['is alive every 1 s, 180 times', '9001/ every 3 s, 2 times', 'is alive every 10 s, 6 times']],
  ])('%s', (_, service, name, expected) => {
    expect(probesOf(service, name)).toEqual(expected);
  }); // prettier-ignore
});

test.each([
  ['postgres:17', 'mirror.example/postgres:17'],
  ['orderplane/services:0.1.0@sha256:abc', 'mirror.example/orderplane/services:0.1.0@sha256:abc'],
  ['ghcr.io/orderplane/services:1', 'mirror.example/orderplane/services:1'],
  ['localhost/orderplane/services:1', 'mirror.example/orderplane/services:1'],
  ['registry:5000/mongo', 'mirror.example/mongo'],
])('%s is pulled from a mirror as %s', (image, mirrored) => {
  expect(fromRegistry({ ...RELEASE_IMAGES, postgres: image }, 'mirror.example').postgres).toBe(mirrored);
});

test('the pods of a service roll when a Secret that they read changes, and only then', () => {
  const platform = platformOf({ stores, broker, services: [{ name: 'orders' }, { name: 'inventory' }] });
  const hashes = (secrets: Record<string, Record<string, string>>) =>
    desiredObjects(platform, secrets).services.map(({ deployment }) => JSON.stringify(deployment?.spec?.template));
  const before = hashes({ 'shop-orders-postgres': { uri: 'a' }, other: { uri: 'a' } });
  const after = hashes({ 'shop-orders-postgres': { uri: 'b' }, other: { uri: 'b' } });
  expect(after.map((hash, i) => hash === before[i])).toEqual([false, true]);
});

test.each<[string, object, object]>([
  ['keep the defaults where nothing is said', {}, { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '384Mi' } }],
  ['are what was asked for', { requests: { cpu: 1 }, limits: { memory: '1Gi' } }, { requests: { cpu: 1, memory: '64Mi' }, limits: { memory: '1Gi' } }],
  ['raise a default limit to the request', { requests: { memory: '512Mi' } }, { requests: { cpu: '20m', memory: '512Mi' }, limits: { memory: '512Mi' } }],
  ['lower a default request to the limit', { limits: { memory: '32Mi', cpu: '10m' } }, { requests: { cpu: '10m', memory: '32Mi' }, limits: { cpu: '10m', memory: '32Mi' } }],
])('resources of a pod %s', (_, resources, expected) => {
  const { services } = desiredObjects(platformOf({ services: [{ name: 'a', image: 'x', resources }] }), {});
  expect(services[0]?.deployment?.spec?.template.spec?.containers[0]?.resources).toEqual(expected);
}); // prettier-ignore

test.each([
  [undefined, 'postgres:17'],
  ['16', 'postgres:16'],
] as const)('version %s of PostgreSQL is image %s, with the resources that were asked for', (version, image) => {
  const managed = { storage: '1Gi', version, resources: { limits: { memory: '2Gi' } } };
  const { stores: rendered } = desiredObjects(platformOf({ stores: { postgres: { managed } } }), {});
  expect(rendered[0]?.statefulSet.spec?.template.spec?.containers[0]).toMatchObject({
    image,
    resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '2Gi' } },
  });
});

test('the pods of a service roll when a value that they refer to changes, and only then', () => {
  const env = [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'stripe', key: 'api-key' } } }];
  const platform = platformOf({ services: [own({ env })] });
  const template = (data: Record<string, string>) =>
    JSON.stringify(desiredObjects(platform, {}, { 'Secret/stripe': data }).services[0]?.deployment?.spec?.template);
  expect(template({ 'api-key': 'a', other: 'b' })).toBe(template({ 'api-key': 'a', other: 'c' }));
  expect(template({ 'api-key': 'a' })).not.toBe(template({ 'api-key': 'b' }));
});
