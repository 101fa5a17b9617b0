import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { connect } from 'node:net';
import { writeFile } from 'node:fs/promises';
import { silentProgress } from '../progress.ts';
import { ensureTools } from '../toolchain/index.ts';
import { onFreePort, startServer, type TestServer } from './server.ts';
import { temporaryFolder } from './temporary-folder.ts';

/**
 * Starts Redis on a port of localhost, with a password, and an append-only file as in a platform: what
 * was answered is there after a kill. `uri` is the default user's, who may do everything.
 * @param options.keepsUsers whether it has a file for users, which `ACL SAVE` writes
 */
export async function startRedis(options: { keepsUsers?: boolean } = {}): Promise<TestServer> {
  const { 'redis-server': binary } = await ensureTools(['redis-server'], silentProgress);
  const folder = await temporaryFolder('orderplane-redis-');
  const password = randomBytes(12).toString('hex');
  const config = join(folder.path, 'redis.conf');
  const users = join(folder.path, 'users.acl');
  const start = (port: number) =>
    startServer(
      {
        name: 'redis-server',
        command: binary,
        args: [config, '--port', String(port)],
        log: join(folder.path, 'redis.log'),
        cwd: folder.path,
      },
      () => serves(port, password),
    );
  try {
    // In a file, not an argument: arguments are shown to everybody on the machine.
    await writeFile(
      config,
      configText(folder.path, options.keepsUsers ? `aclfile ${users}` : `requirepass ${password}`),
      { mode: 0o600 },
    );
    if (options.keepsUsers) await writeFile(users, `user default on >${password} ~* &* +@all\n`, { mode: 0o600 });
    const { port, first } = await onFreePort(async (port) => ({ port, first: await start(port) }));
    let running = first;
    const kill = async () => {
      running.kill('SIGKILL');
      await running.exited;
    };
    return {
      uri: `redis://:${password}@127.0.0.1:${port}`,
      port,
      pid: () => running.pid,
      kill,
      start: async () => {
        running = await start(port);
      },
      stop: async () => {
        await kill();
        await folder.remove();
      },
    };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

function configText(folder: string, login: string): string {
  return ['bind 127.0.0.1', `dir ${folder}`, login, 'appendonly yes', 'appendfsync everysec', 'save ""', ''].join('\n');
}

/** It listens before it has read its file; until then it answers with LOADING. */
function serves(port: number, password: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    let answers = '';
    socket.once('connect', () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    socket.on('data', (data: Buffer) => {
      answers += data.toString();
      if (answers.split('\r\n').length > 2) settle(answers === '+OK\r\n+PONG\r\n');
    });
    socket.once('error', () => settle(false)).once('close', () => settle(false));
  });
}
