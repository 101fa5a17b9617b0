/** Redis is a flag: the smallest platform, here with accounts, does the same without it and, by one edit, with it. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { figure, openCluster } from '../harness/cluster.ts';
import { eventually } from '../harness/eventually.ts';
import { withPlatformSpec, withService } from '../harness/manifests.ts';
import { applyUltralight, platformHandle, testNamespace } from '../harness/platform.ts';
import { call, PASSWORD, register } from '../harness/rest.ts';
import { testSmallestShop } from '../harness/smallest-shop.ts';
import { askRedis, connectPostgres } from '../harness/stores.ts';

const cluster = await openCluster();
const namespace = await testNamespace(cluster, 'redis');
const platform = platformHandle(cluster, { namespace, name: 'flag' });
let gateway: string;
let refreshToken: string;
let email: string;

/** What one would edit in the example. */
const apply = (stores: object) =>
  applyUltralight(cluster, platform, (objects) =>
    withPlatformSpec(objects, (spec) => ({
      ...withService(spec, { name: 'users' }),
      stores: { ...spec.stores, ...stores },
    })),
  );

beforeAll(async () => {
  await apply({});
  await platform.waitReady();
  gateway = await platform.gatewayUrl();
}, 200_000);

afterAll(async () => {
  await cluster.dropNamespace(namespace);
  await cluster.close();
});

const loginsInPostgres = async () => {
  await using postgres = await connectPostgres(platform, { database: 'users' });
  return (await postgres.query('select from sessions')).rowCount;
};
const keysOf = async (service: string) =>
  (await askRedis(platform, 'KEYS', `${service}:*`)).split('\n').filter(Boolean);
const refresh = (token: string) => call(gateway, 'POST', '/auth/refresh', { body: { refreshToken: token } });

describe('without Redis', () => {
  test('logins are in Postgres', async () => {
    ({ email, tokens: { refreshToken } } = await register(gateway, 'grace')); // prettier-ignore
    expect(await loginsInPostgres()).toBe(1);
    const refreshed = await refresh(refreshToken);
    expect(refreshed).toMatchObject({ status: 200, headers: expect.anything() });
    ({ refreshToken } = refreshed.body);
  });
});

describe('with Redis, by one edit', () => {
  beforeAll(async () => {
    const edited = performance.now();
    await apply({ redis: { managed: {} } });
    await platform.waitReady();
    figure('stores.redis added → Ready', `${((performance.now() - edited) / 1000).toFixed(1)} s`);
  }, 200_000);

  testSmallestShop(platform);

  test('whoever was logged in logs in once more, and stays so in Redis', async () => {
    expect(await refresh(refreshToken)).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    const login = await call(gateway, 'POST', '/auth/login', { body: { email, password: PASSWORD } });
    expect(login.status).toBe(200);
    expect(await refresh(login.body.tokens.refreshToken)).toMatchObject({ status: 200 });
    expect(await keysOf('users')).toHaveLength(2);
    expect(await loginsInPostgres()).toBe(1);
  });

  test('attempts to log in are counted there, for all replicas of the gateway together', async () => {
    const body = { email: 'nobody@example.com', password: PASSWORD };
    const isCounted = async () => {
      await call(gateway, 'POST', '/auth/login', { body });
      return (await keysOf('gateway')).some((key) => key.includes('account:'));
    };
    await eventually(isCounted, { timeoutMs: 20_000, everyMs: 200, what: 'a count of the attempts' });
  }, 30_000);

  test('Redis stays: it cannot be taken off again, because what it keeps would be left behind', async () => {
    await expect(apply({})).rejects.toThrow('stores.redis cannot be removed');
  });
});
