/** A service in a process of its own and on ports of its own, so that who measures does not wait for its own work. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePorts } from '@orderplane/hack/cluster/ports.ts';
import { stopProcess } from '@orderplane/hack/cluster/process.ts';
import { root } from '@orderplane/hack/root.ts';
import { startServer } from '@orderplane/hack/testing/server.ts';
import { cpuSeconds, memoryOf, type Memory } from './proc.ts';
import { HEAP_OPTIONS } from '../operator/resources/catalogue.ts';

export interface ServiceProcess {
  readonly url: string;
  /** Seconds of processor time that it has used so far. */
  cpuSeconds(): Promise<number>;
  memory(): Promise<Memory>;
  /** From the start of the process until it listened, in ms, as its log says. */
  startedInMs(): Promise<number>;
  stop(): Promise<void>;
}

export interface ServiceProcessOptions {
  /** Where its log goes. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** The bundle of its image; without it the service runs from its source. */
  readonly bundle?: string;
}

const GRACE_MS = 5000;
/** As in a pod with a memory limit of 384 MiB. */
const HEAP = [...HEAP_OPTIONS, '--max-old-space-size=192'];

/** Resolves when it is ready. */
export async function startService(
  name: string,
  { folder, env, bundle = join(root, 'services', name, 'server.ts') }: ServiceProcessOptions,
): Promise<ServiceProcess> {
  const [port, management] = await freePorts(2);
  const log = join(folder, `${name}-${port}.log`);
  const running = await startServer(
    {
      name,
      command: process.execPath,
      args: [...HEAP, bundle],
      log,
      env: {
        PATH: process.env.PATH,
        NODE_ENV: 'production',
        PORT: `${port}`,
        MANAGEMENT_PORT: `${management}`,
        DRAIN_DELAY_MS: '0',
        ...env,
      },
    },
    () =>
      fetch(`http://127.0.0.1:${management}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      ),
  );
  return {
    url: `http://127.0.0.1:${port}`,
    cpuSeconds: () => cpuSeconds(running.pid),
    memory: () => memoryOf(running.pid),
    async startedInMs() {
      const [, ms] = /"startedInMs":(\d+)/.exec(await readFile(log, 'utf8')) ?? [];
      if (ms === undefined) throw new Error(`${name} does not say how long it took`);
      return Number(ms);
    },
    stop: () => stopProcess(running, GRACE_MS),
  };
}
