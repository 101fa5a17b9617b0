import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { silentProgress } from '../progress.ts';
import { ensureTools } from '../toolchain/index.ts';
import { startPostgres } from './postgres.ts';
import { accepts, onFreePort, startServer, type TestServer } from './server.ts';

/**
 * Starts a server of MongoDB's protocol on a port of localhost: FerretDB on a Postgres of its own, standing in for MongoDB. It asks
 * for SCRAM-SHA-256; `uri` is that of the user `root`, who may create further users. What it lacks: multi-document transactions, validators,
 * collations, partial and TTL indexes (all refused), sparse ones (taken as plain), retryable writes (the URI turns them off), and roles, which it accepts and does not enforce.
 */
export async function startMongo(): Promise<TestServer> {
  const { ferretdb } = await ensureTools(['ferretdb'], silentProgress);
  const postgres = await startPostgres();
  const password = randomBytes(12).toString('hex');
  const start = (port: number) =>
    startServer(
      {
        name: 'ferretdb',
        command: ferretdb,
        args: [
          '--listen',
          `127.0.0.1:${port}`,
          '--postgres-url',
          `${postgres.uri}?sslmode=disable`,
          '--root-username',
          'root',
        ],
        env: { ...process.env, ROOT_PASSWORD: password },
        log: join(postgres.socketDir, 'ferretdb.log'),
      },
      () => accepts(port),
    );
  try {
    const { port, first } = await onFreePort(async (port) => ({ port, first: await start(port) }));
    let running = first;
    const kill = async () => {
      running.kill('SIGKILL');
      await running.exited;
    };
    return {
      uri: `mongodb://root:${password}@127.0.0.1:${port}/?authSource=admin&retryWrites=false`,
      port,
      pid: () => running.pid,
      kill: async () => {
        await kill();
        await postgres.kill();
      },
      start: async () => {
        await postgres.start();
        running = await start(port);
      },
      stop: async () => {
        await kill();
        await postgres.stop();
      },
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}
