import { describe, expect, test } from '@jest/globals';
import { orderPlatformSpec } from '../api/v1alpha1/index.ts';
import { loginSecret, loginsOf, secretValue, uriLike } from './credentials.ts';
import { runName } from './names.ts';
import { RELEASE_IMAGES } from './release-images.ts';
import { resolvePlatform } from './resolve.ts';

const login = { backend: 'postgres' as const, username: 'orders_1', database: 'orders' };
const redisLogin = { backend: 'redis' as const, username: 'users_1', database: '' };
const mongoLogin = { backend: 'mongo' as const, username: 'order-query_1', database: 'app' };

describe('the URI of a login on an external server', () => {
  test.each([
    ['keeps server and options, and nobody else’s login', 'postgres://root:s3cret@db.example:5432/postgres?sslmode=require', login, 'postgres://orders_1:pw@db.example:5432/orders?sslmode=require'],
    ['is made of one without a login or database', 'postgresql://db.example', login, 'postgresql://orders_1:pw@db.example/orders'],
    ['keeps all members of a replica set', 'mongodb://root:x@a:1,b:2,c:3/?replicaSet=rs0&authSource=users', mongoLogin, 'mongodb://order-query_1:pw@a:1,b:2,c:3/app?replicaSet=rs0&authSource=admin'],
    ['keeps a seed list in DNS', 'mongodb+srv://root:x@cluster.example/', mongoLogin, 'mongodb+srv://order-query_1:pw@cluster.example/app?authSource=admin'],
    ['keeps the number of a database of Redis, and its encryption', 'rediss://:x@cache.example:6380/3', redisLogin, 'rediss://users_1:pw@cache.example:6380/3'],
  ])('%s', (_, uri, who, expected) => {
    expect(uriLike(uri, who, 'pw')).toBe(expected);
  }); // prettier-ignore

  test.each([
    ['another engine', 'mysql://root:s3cret@db.example/x'],
    ['no URI', 's3cret'],
  ])('is not made of %s, and the complaint keeps the secret', (_, uri) => {
    expect(() => uriLike(uri, login, 'pw')).toThrow(/^is not a postgres:\/\/ URI$/);
  });
});

test('the logins of a platform are the administrators of managed stores, and every service at what it needs', () => {
  const volume = { managed: { storage: '1Gi' } };
  const spec = orderPlatformSpec.parse({
    stores: { postgres: { external: { secretRef: { name: 'rds' } } }, mongo: volume },
    broker: { nats: volume },
    services: ['inventory', 'orders', 'order-query'].map((name) => ({ name })),
  });
  const { platform } = resolvePlatform({ name: 'shop', namespace: 'apps', uid: 'u' }, spec, RELEASE_IMAGES);
  if (!platform) throw new Error('not valid');
  const uris = loginsOf(platform).map((each) => {
    const external = each.backend === 'postgres' ? { uri: 'postgres://root:x@rds.example/postgres' } : undefined;
    return `${each.secret} ${secretValue(loginSecret(platform, each, 'PW', external), 'uri')}`;
  });
  expect(uris).toEqual([
    'shop-mongo-admin mongodb://root:PW@shop-mongo.apps.svc:27017/?authSource=admin&retryWrites=false',
    'shop-nats-admin nats://admin:PW@shop-nats.apps.svc:4222',
    'shop-inventory-postgres postgres://inventory_1:PW@rds.example/inventory',
    'shop-inventory-nats nats://inventory_1:PW@shop-nats.apps.svc:4222',
    'shop-orders-postgres postgres://orders_1:PW@rds.example/orders',
    'shop-orders-nats nats://orders_1:PW@shop-nats.apps.svc:4222',
    'shop-order-query-mongo mongodb://order-query_1:PW@shop-mongo.apps.svc:27017/app?authSource=admin&retryWrites=false',
    'shop-order-query-nats nats://order-query_1:PW@shop-nats.apps.svc:4222',
  ]);
});

test.each([
  ['shop-verify', 'abcdef0123456789', 7, 'shop-verify-abcdef01-7'],
  [`${'m'.repeat(63)}-migrate`, 'abcdef0123456789', 12, `${'m'.repeat(51)}-abcdef01-12`],
])('the run of %s fits the name of a Job', (base, hash, number, name) => {
  expect(runName(base, hash, number)).toBe(name);
  expect(name.length).toBeLessThanOrEqual(63);
});
