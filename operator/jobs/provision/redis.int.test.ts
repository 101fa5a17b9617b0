import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createClient } from '@redis/client';
import { startRedis } from '@orderplane/hack/testing/redis.ts';
import { accepts, onFreePort, startServer, type TestServer } from '@orderplane/hack/testing/server.ts';
import { temporaryFolder } from '@orderplane/hack/testing/temporary-folder.ts';
import { join } from 'node:path';
import { runConnect } from '../connect/index.ts';
import { runHere } from '../testing/run-job.ts';
import { runProvision } from './index.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startRedis({ keepsUsers: true });
});
afterAll(() => server?.stop());

const user = (name: string, passwordEnv = 'PW') => ({ name, prefix: `${name.replace(/_\d$/, '')}:`, passwordEnv });
const provision = (redis: object, uri = server.uri) =>
  runHere(runProvision, { redis }, { REDIS_ADMIN_URI: uri, PW: 'first-password', PW2: 'second-password' });

async function as(name: string, password: string) {
  const url = Object.assign(new URL(server.uri), { username: name, password }).href;
  const client = createClient({ url, socket: { reconnectStrategy: false } }).on('error', () => {});
  await client.connect();
  return client;
}

test('a service reaches its own keys and channels, and nothing that is another’s or the server’s', async () => {
  expect(await provision({ users: [user('users_1'), user('gateway_1')] })).toEqual({ ok: true, changes: 2 });
  const users = await as('users_1', 'first-password');
  await users.set('users:a', '1');
  expect(await users.eval('return redis.call("incr", KEYS[1])', { keys: ['users:a'] })).toBe(2);
  const multi = await users.multi().get('users:a').expire('users:a', 60).exec();
  expect(multi).toEqual(['2', 1]);
  const refused: [string, () => Promise<unknown>][] = [
    ['another service’s key', () => users.get('gateway:a')],
    ['one that only begins like it', () => users.get('users')],
    ['the same from a script', () => users.eval('return redis.call("get", "gateway:a")')],
    ['another service’s channel', () => users.publish('gateway:a', 'x')],
    ['all keys', () => users.keys('*')],
    ['their names, one by one', () => users.sendCommand(['SCAN', '0'])],
    ['the end of all data', () => users.flushAll()],
    ['the settings', () => users.configGet('*')],
    ['the users', () => users.sendCommand(['ACL', 'LIST'])],
    ['everybody’s functions', () => users.sendCommand(['FUNCTION', 'FLUSH'])],
  ];
  for (const [what, attempt] of refused) {
    const outcome = await attempt().then(
      () => 'allowed',
      (error: Error) => error.message,
    );
    expect(`${what}: ${outcome}`).toMatch(/NOPERM|ACL failure|No permissions|can't access/);
  }
  users.destroy();
}); // prettier-ignore

test('nothing changes twice, a new password does, and users are there after a kill -9', async () => {
  const wanted = { users: [user('users_1'), user('gateway_1')] };
  expect(await provision(wanted)).toEqual({ ok: true, changes: 0 });
  const changed = { users: [user('users_1', 'PW2'), user('gateway_1')] };
  expect(await provision(changed)).toEqual({ ok: true, changes: 1 });
  await server.kill();
  await server.start();
  (await as('users_1', 'second-password')).destroy();
  await expect(as('users_1', 'first-password')).rejects.toThrow('WRONGPASS');
  expect(await provision({ users: [user('gateway_1')], ended: ['users_1', 'never_1'] })).toEqual({
    ok: true,
    changes: 1,
  });
  await expect(as('users_1', 'second-password')).rejects.toThrow('WRONGPASS');
});

test('a login that ends cuts off who uses it, and leaves the others connected', async () => {
  await provision({ users: [user('old_1'), user('kept_1')] });
  const [old, kept] = await Promise.all([as('old_1', 'first-password'), as('kept_1', 'first-password')]);
  await provision({ users: [user('old_2'), user('kept_1')], ended: ['old_1'] });
  await expect(old.get('old:a')).rejects.toThrow();
  expect(await kept.get('kept:a')).toBeNull();
  kept.destroy();
});

test('on a server that several platforms use, a login is of the platform that had it first', async () => {
  const wanted = { users: [user('shared_1')] };
  expect(await provision({ ...wanted, forPlatform: 'a/shop' })).toEqual({ ok: true, changes: 1 });
  const other = await provision({ ...wanted, forPlatform: 'b/shop' });
  expect(other).toMatchObject({ ok: false, reason: 'LoginTaken', message: expect.stringContaining('OrderPlatform a/shop') });
  expect(await provision({ users: [], ended: ['shared_1'], forPlatform: 'b/shop' })).toEqual({ ok: true, changes: 0 });
  expect(await provision({ users: [], ended: ['shared_1'], forPlatform: 'a/shop' })).toEqual({ ok: true, changes: 1 });
  expect(await provision({ ...wanted, forPlatform: 'b/shop' })).toEqual({ ok: true, changes: 1 });
}); // prettier-ignore

test('a server without a file of users keeps them in its configuration', async () => {
  const other = await startRedis();
  try {
    expect(await provision({ users: [user('users_1')] }, other.uri)).toEqual({ ok: true, changes: 1 });
    await other.kill();
    await other.start();
    expect(await provision({ users: [user('users_1')] }, other.uri)).toEqual({ ok: true, changes: 0 });
  } finally {
    await other.stop();
  }
});

test('a server that has neither would forget them, and is told of', async () => {
  const folder = await temporaryFolder('orderplane-redis-');
  const { port, process } = await onFreePort(async (port) => {
    const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', ''];
    const spec = { name: 'redis-server', command: 'redis-server', args, log: join(folder.path, 'log'), cwd: folder.path };
    return { port, process: await startServer(spec, () => accepts(port)) };
  });
  try {
    const result = await provision({ users: [user('users_1')] }, `redis://127.0.0.1:${port}`);
    expect(result).toMatchObject({ ok: false, reason: 'UsersNotKept', message: expect.stringContaining('aclfile') });
  } finally {
    process.kill('SIGKILL');
    await process.exited;
    await folder.remove();
  }
}); // prettier-ignore

describe('connecting', () => {
  const connect = (uri: string) => {
    const logins = [{ who: 'service users', secret: 'shop-users-redis', variable: 'LOGIN_1_URI' }];
    return runHere(runConnect, { backend: 'redis', logins }, { LOGIN_1_URI: uri });
  };

  test('succeeds with the right password', async () => {
    expect(await connect(server.uri)).toEqual({ ok: true, logins: 1 });
  });

  test.each([
    ['a wrong password is refused, and not told', 'wrong-password', 'AuthenticationFailed', 'correct the uri in Secret shop-users-redis'],
    ['a missing password is refused', '', 'AuthenticationFailed', 'correct the uri in Secret shop-users-redis'],
  ])('%s', async (_, password, reason, says) => {
    const result = await connect(Object.assign(new URL(server.uri), { password }).href);
    expect(result).toMatchObject({ ok: false, reason, message: expect.stringContaining(says) });
    expect(JSON.stringify(result)).not.toContain('wrong-password');
  }); // prettier-ignore

  test('tells that nobody listens', async () => {
    expect(await connect('redis://127.0.0.1:9')).toMatchObject({ ok: false, reason: 'Unreachable' });
  }, 20_000);
});
