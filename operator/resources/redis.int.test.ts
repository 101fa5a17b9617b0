import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createClient } from '@redis/client';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onFreePort, startServer } from '@orderplane/hack/testing/server.ts';
import { temporaryFolder, type TemporaryFolder } from '@orderplane/hack/testing/temporary-folder.ts';
import { orderPlatformSpec } from '../api/v1alpha1/index.ts';
import type { Container } from './pod.ts';
import { redis } from './redis.ts';
import { RELEASE_IMAGES } from './release-images.ts';
import { resolvePlatform } from './resolve.ts';

const spec = { stores: { redis: { managed: { resources: { limits: { memory: '64Mi' } } } } } };
const identity = { name: 'shop', namespace: 'shop', uid: 'uid' };
const { platform } = resolvePlatform(identity, orderPlatformSpec.parse(spec), RELEASE_IMAGES);
const { prepare, container } = redis(platform!, platform!.stores.redis!.managed!, {});

let folder: TemporaryFolder;
beforeAll(async () => {
  folder = await temporaryFolder('orderplane-redis-');
});
afterAll(() => folder.remove());

/** What the pod runs, with its folders where this machine has them. */
function here(words: readonly string[] = [], port = 6379): string[] {
  return words.map((word) => word.replaceAll('/data', folder.path).replaceAll('6379', String(port)));
}

/** A pod's life: the administrator's password is set, then the server runs. */
async function startPod(password: string) {
  const passwordFile = join(folder.path, 'secret');
  await writeFile(passwordFile, password);
  const env = { ...process.env, ADMIN_PASSWORD_FILE: passwordFile, USERS: join(folder.path, 'users.acl') };
  const [shell = '', ...script] = prepare?.command ?? [];
  await promisify(execFile)(shell, script, { env });
  return onFreePort(async (port) => {
    const [command = '', ...args] = here(container.command, port);
    const log = join(folder.path, 'log');
    const server = await startServer({ name: 'redis-server', command, args, log }, () => isReady(container, port));
    const as = (user: string, secret: string) => connect(`redis://${user}:${secret}@127.0.0.1:${port}`);
    const kill = async () => {
      server.kill('SIGKILL');
      await server.exited;
    };
    return { as, kill };
  });
}

/** The pod's own readiness probe. */
function isReady({ readinessProbe }: Container, port: number): Promise<boolean> {
  const [command = '', ...args] = here(readinessProbe?.exec?.command, port);
  return promisify(execFile)(command, args).then(
    () => true,
    () => false,
  );
}

async function connect(url: string) {
  const client = createClient({ url, socket: { reconnectStrategy: false } }).on('error', () => {});
  await client.connect();
  return client;
}

test('users and what was answered outlive a kill, and a new password of the administrator is set as the pod starts', async () => {
  const first = await startPod('before');
  const admin = await first.as('default', 'before');
  await admin.sendCommand(['ACL', 'SETUSER', 'users_1', 'on', '>pw', '~users:*', '+@all']);
  await admin.sendCommand(['ACL', 'SAVE']);
  await (await first.as('users_1', 'pw')).set('users:kept', 'yes');
  expect(await admin.configGet(['maxmemory', 'maxmemory-policy', 'appendonly'])).toEqual({
    maxmemory: String(32 * 2 ** 20),
    'maxmemory-policy': 'noeviction',
    appendonly: 'yes',
  });
  await first.kill();

  const second = await startPod('after');
  await expect(second.as('default', 'before')).rejects.toThrow('WRONGPASS');
  expect(await (await second.as('default', 'after')).get('users:kept')).toBe('yes');
  expect(await (await second.as('users_1', 'pw')).get('users:kept')).toBe('yes');
  const probe = await second.as('probe', 'anything');
  await expect(probe.get('users:kept')).rejects.toThrow('NOPERM');
  expect(existsSync(join(folder.path, 'users.acl.new'))).toBe(false);
  await second.kill();
}, 60_000); // prettier-ignore
