import { createServer } from 'node:net';
import { runCommand } from '../toolchain/command.ts';

/** Below Linux's default range for outgoing connections, so that a port picked now is not taken by a client a moment later. */
const FIRST = 20_000;
const LAST = 32_000;

/** Distinct ports of localhost that nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (!found.has(port) && (await isFree(port))) found.add(port);
  }
  return [...found];
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/** Fails naming the first port that another program listens on, and that program where it can be told. */
export async function assertPortsFree(ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    if (!(await isFree(port)))
      throw new Error(`port ${port} of localhost is in use by ${await portHolder(port)}: end it, then try again`);
  }
}

export async function portHolder(port: number): Promise<string> {
  const sockets = await runCommand('ss', ['-Hltnp', `sport = :${port}`]).catch(() => '');
  const [, name, pid] = sockets.match(/\(\("([^"]+)",pid=(\d+)/) ?? [];
  return name && pid ? `${name} (pid ${pid})` : 'another program';
}
