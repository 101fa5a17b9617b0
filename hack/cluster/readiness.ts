import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pki } from './certificates.ts';
import { logTail, type RunningProcess } from './process.ts';

/** Resolves when the API server says that it is ready; fails when one of the processes it stands on ends, or time is up. */
export async function apiServerReady(
  server: string,
  pki: Pki,
  processes: readonly RunningProcess[],
  timeoutMs: number,
): Promise<void> {
  const pair = pki.client('admin');
  const [ca, cert, key] = await Promise.all(
    [pki.ca.certificate, pair.certificate, pair.key].map((path) => readFile(path)),
  );
  const deadline = Date.now() + timeoutMs;
  while (!(await answersOk(`${server}/readyz`, { ca, cert, key }))) {
    const dead = processes.find((process) => process.hasExited());
    if (dead) throw new ProcessDied(dead.name, await logTail(dead.log));
    if (Date.now() > deadline)
      throw new Error(`the API server at ${server} was not ready within ${timeoutMs / 1000} s`);
    await delay(50);
  }
}

export class ProcessDied extends Error {
  constructor(name: string, log: string) {
    super(`${name} ended while the API server was starting:\n${log}`);
  }
}

function answersOk(url: string, tls: { ca?: Buffer; cert?: Buffer; key?: Buffer }): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request(url, { ...tls, agent: false, timeout: 2000 }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode === 200)).once('error', () => resolve(false)); // prettier-ignore
    });
    call.once('timeout', () => call.destroy()).once('error', () => resolve(false));
    call.end();
  });
}
