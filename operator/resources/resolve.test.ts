import { describe, expect, test } from '@jest/globals';
import { orderPlatformSpec, type OrderPlatform } from '../api/v1alpha1/index.ts';
import { desiredObjects } from './desired.ts';
import type { Platform } from './platform.ts';
import { RELEASE_IMAGES } from './release-images.ts';
import { resolvePlatform } from './resolve.ts';

const identity = { name: 'shop', namespace: 'apps', uid: 'uid' };
const volume = { managed: { storage: '1Gi' } };
const stores = { postgres: volume, mongo: volume };
const broker = { nats: volume };

const resolve = (spec: OrderPlatform['spec']) =>
  resolvePlatform(identity, orderPlatformSpec.parse(spec), RELEASE_IMAGES);

function platformOf(spec: OrderPlatform['spec']): Platform {
  const { platform, violations } = resolve(spec);
  if (!platform) throw new Error(violations.join());
  return platform;
}

/** The environment of a service's pods, as NAME=value or NAME<secret/key. */
function environmentOf(platform: Platform, name: string): string[] {
  const objects = desiredObjects(platform, {}).services.find(({ service }) => service.name === name);
  const container = objects?.deployment.spec?.template.spec?.containers[0];
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
      ['PLATFORM=shop', 'PROFILE=prod', 'LOG_LEVEL=INFO', 'POSTGRES_URI<shop-orders-postgres/uri', 'BROKER_URI<shop-orders-nats/uri', 'INVENTORY_URL=http://shop-inventory:50053'],
    ],
    [
      "the user's values instead of defaults",
      { stores, services: [{ name: 'inventory', port: 6000, env: [{ name: 'LOG_LEVEL', value: 'WARN' }, { name: 'CACHE', value: 'off' }] }] },
      'inventory',
      ['PLATFORM=shop', 'PROFILE=dev', 'PORT=6000', 'POSTGRES_URI<shop-inventory-postgres/uri', 'LOG_LEVEL=WARN', 'CACHE=off'],
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

describe('a platform is refused for', () => {
  const own = (service: object) => ({ name: 'reports', image: 'x', ...service });
  test.each<[string, OrderPlatform['spec'], string]>([
    ['a release that the operator does not know', { version: '9.9.9' }, "spec.version 9.9.9 is not in this operator's catalogue, which has 0.1.0"],
    ['a store that is not set', { services: [own({ needs: [{ mongo: { database: 'x' } }] })] }, 'service reports needs mongo, but spec.stores.mongo is not set: add it or drop the need'],
    ['a broker that is not set', { services: [own({ needs: [{ broker: {} }] })] }, 'service reports needs a broker, but spec.broker.nats is not set'],
    ['a need of a service that is not there', { services: [own({ needs: [{ service: { name: 'ghost' } }] })] }, 'service reports needs service ghost, but spec.services has no ghost'],
    ['a need of a service that nobody can call', { services: [own({ needs: [{ service: { name: 'worker' } }] }), { name: 'worker', image: 'x' }] }, 'service reports needs service worker, which has no port'],
    ['a variable that a need sets already', { services: [own({ env: [{ name: 'API_URL', value: 'x' }], needs: [{ service: { name: 'api' } }] }), { name: 'api', image: 'x', port: 8000 }] }, 'service reports sets API_URL, which its need of service api sets already'],
    ['a second database of a service of the release', { stores, services: [{ name: 'inventory', needs: [{ postgres: { database: 'other', access: 'Owner' } }] }] }, 'service inventory of the release has a need of postgres already'],
    ['a port that its management takes', { stores, services: [{ name: 'inventory', port: 8081 }] }, 'service inventory cannot listen on 8081, which is its management port'],
  ])('%s', (_, spec, violation) => {
    expect(resolve(spec).violations?.join()).toContain(violation);
  }); // prettier-ignore

  test('everything that is wrong at once', () => {
    const { violations } = resolve({
      version: '9.9.9',
      services: [own({ needs: [{ mongo: { database: 'x' } }, { broker: {} }] })],
    });
    expect(violations).toHaveLength(3);
  });
});

test.each([
  ['dev', 1],
  ['staging', 2],
  ['prod', 3],
] as const)('profile %s runs a service %i times, unless it says otherwise', (profile, replicas) => {
  const { services } = platformOf({
    profile,
    services: [
      { name: 'a', image: 'x' },
      { name: 'b', image: 'x', replicas: 5 },
    ],
  });
  expect(services.map((service) => service.replicas)).toEqual([replicas, 5]);
});

test('the pods of a service roll when a Secret that they read changes, and only then', () => {
  const platform = platformOf({ stores, broker, services: [{ name: 'orders' }, { name: 'inventory' }] });
  const hashes = (secrets: Record<string, Record<string, string>>) =>
    desiredObjects(platform, secrets).services.map(({ deployment }) => JSON.stringify(deployment.spec?.template));
  const before = hashes({ 'shop-orders-postgres': { uri: 'a' }, other: { uri: 'a' } });
  const after = hashes({ 'shop-orders-postgres': { uri: 'b' }, other: { uri: 'b' } });
  expect(after.map((hash, i) => hash === before[i])).toEqual([false, true]);
});

test.each<[string, object, object]>([
  ['keep the defaults where nothing is said', {}, { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '256Mi' } }],
  ['are what was asked for', { requests: { cpu: 1 }, limits: { memory: '1Gi' } }, { requests: { cpu: 1, memory: '64Mi' }, limits: { memory: '1Gi' } }],
  ['raise a default limit to the request', { requests: { memory: '512Mi' } }, { requests: { cpu: '20m', memory: '512Mi' }, limits: { memory: '512Mi' } }],
  ['lower a default request to the limit', { limits: { memory: '32Mi', cpu: '10m' } }, { requests: { cpu: '10m', memory: '32Mi' }, limits: { cpu: '10m', memory: '32Mi' } }],
])('resources of a pod %s', (_, resources, expected) => {
  const { services } = desiredObjects(platformOf({ services: [{ name: 'a', image: 'x', resources }] }), {});
  expect(services[0]?.deployment.spec?.template.spec?.containers[0]?.resources).toEqual(expected);
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
