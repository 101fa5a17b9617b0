import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Runs `work` while holding an exclusive lock on a file. The lock is the kernel's (flock), held by a child that lives as long as its standard
 * input is open: whatever ends this process frees it, so nobody ever has to judge whether a lock is stale. `onWait` is called
 * when somebody else holds it.
 */
export async function withLock<T>(path: string, work: () => Promise<T>, onWait: () => void = () => {}): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  const holder = spawn('flock', ['--exclusive', path, 'sh', '-c', 'echo locked; exec cat'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    // Not in the terminal's process group: Ctrl-C must not free the lock before this process is done.
    detached: true,
  });
  const exited = new Promise<void>((resolve) => holder.once('exit', () => resolve()));
  const waiting = setTimeout(onWait, 500);
  try {
    await new Promise<void>((resolve, reject) => {
      holder.stdout.once('data', () => resolve());
      holder.once('error', (error) =>
        reject(new Error(`flock (package util-linux) could not be started: ${error.message}`)),
      );
      holder.once('exit', () => reject(new Error(`${path} could not be locked`)));
    });
  } finally {
    clearTimeout(waiting);
  }
  try {
    return await work();
  } finally {
    holder.stdin.end();
    await exited;
  }
}
