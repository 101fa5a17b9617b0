import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts } from '@orderplane/hack/cluster/ports.ts';
import { bundleStorefront } from '../bundle.ts';

/** The user that the container runs as. */
const UID = 65532;

export interface Standalone {
  url: string;
  managementPort: number;
  process: ChildProcess;
  /** What it wrote to its outputs so far. */
  output: () => string;
}

/** A copy of the built bundle that nobody may write to, as in a container with a read-only root. */
export async function installBundle(): Promise<{ directory: string; remove: () => Promise<void> }> {
  const { directory: bundle } = await bundleStorefront();
  const directory = await mkdtemp(join(tmpdir(), 'storefront-'));
  await cp(bundle, directory, { recursive: true });
  await chmod(directory, 0o555);
  const remove = async () => {
    await chmod(directory, 0o755);
    await rm(directory, { recursive: true, force: true });
  };
  return { directory, remove };
}

/**
 * Starts the server as the container does: as an ordinary user, with nothing in its environment but what it is given.
 * Resolves when it serves, or has ended.
 */
export async function startStandalone(directory: string, environment: Record<string, string>): Promise<Standalone> {
  const [port = 0, managementPort = 0] = await freePorts(2);
  const child = spawn(process.execPath, ['server.js'], {
    cwd: directory,
    env: {
      NODE_ENV: 'production',
      PORT: String(port),
      MANAGEMENT_PORT: String(managementPort),
      HOSTNAME: '127.0.0.1',
      DRAIN_DELAY_MS: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(process.getuid?.() === 0 ? { uid: UID, gid: UID } : {}),
  });
  let written = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (written += text));
  const url = `http://127.0.0.1:${port}`;
  const ended = once(child, 'close').then(() => 'ended' as const);
  for (let state; state !== 'serving' && state !== 'ended';)
    state = await Promise.race([ended, probe(`${url}/icon.svg`)]);
  return { url, managementPort, process: child, output: () => written };
}

async function probe(url: string): Promise<'serving' | 'not yet'> {
  const answer = await fetch(url).catch(() => delay(50));
  return answer?.ok ? 'serving' : 'not yet';
}

export async function stopStandalone({ process: child }: Standalone): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  await closed;
}
