import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { silentProgress } from '../progress.ts';
import { ensureTools } from '../toolchain/index.ts';
import { accepts, onFreePort, startServer, type TestServer } from './server.ts';
import { temporaryFolder } from './temporary-folder.ts';

export interface NatsOptions {
  /** Further configuration (accounts, users, permissions); port, monitoring and JetStream's store are set here. */
  configText?: string;
  /** A port of one's own choice, to start again where an earlier server was. */
  port?: number;
  /** JetStream's folder, kept on `stop`; by default a temporary one. */
  storeDir?: string;
}

export interface NatsServer extends TestServer {
  /** Replaces `configText`; in force after the next start. */
  configure(configText: string): Promise<void>;
}

/** Starts a NATS server with JetStream, every write synced to disk as in a platform, on a port of localhost. */
export async function startNats(options: NatsOptions = {}): Promise<NatsServer> {
  const { 'nats-server': binary } = await ensureTools(['nats-server'], silentProgress);
  const folder = await temporaryFolder('orderplane-nats-');
  const config = join(folder.path, 'nats.conf');
  const storeDir = options.storeDir ?? join(folder.path, 'store');
  const configure = (configText: string) => writeFile(config, `${jetStreamConfig(storeDir)}\n${configText}\n`);
  const start = (port: number) =>
    startServer(
      {
        name: 'nats-server',
        command: binary,
        args: ['-c', config, '-a', '127.0.0.1', '-p', String(port)],
        log: join(folder.path, 'nats.log'),
      },
      // It listens only after JetStream has recovered.
      () => accepts(port),
    );
  try {
    await mkdir(storeDir, { recursive: true });
    await configure(options.configText ?? '');
    const launch = async (port: number) => ({ port, first: await start(port) });
    const { port, first } = await (options.port === undefined ? onFreePort(launch) : launch(options.port));
    let running = first;
    return {
      uri: `nats://127.0.0.1:${port}`,
      port,
      pid: () => running.pid,
      configure,
      kill: async () => {
        running.kill('SIGKILL');
        await running.exited;
      },
      start: async () => {
        running = await start(port);
      },
      stop: async () => {
        running.kill('SIGKILL');
        await running.exited;
        await folder.remove();
      },
    };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

function jetStreamConfig(storeDir: string): string {
  return `jetstream { store_dir: ${JSON.stringify(storeDir)}, sync_interval: always }`;
}
