import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { cacheDir } from '../toolchain/cache.ts';

export interface Watched {
  /** Arguments for node, the program's file first. */
  args: readonly string[];
  /** The program sees to changed files itself. */
  reloadsItself?: boolean;
  cwd: string;
  env: NodeJS.ProcessEnv;
  /** A line of the program's output that says that it serves. */
  serves: RegExp;
  write?: (line: string) => void;
}

/**
 * Runs a program with `node --watch` and says how long each restart took, from the notice of the change to serving.
 * Resolves with the exit code when the program is ended from outside; Ctrl-C reaches it through the terminal, SIGTERM through `signal`.
 */
export function runWatched(
  { args, reloadsItself = false, cwd, env, serves, write = console.log }: Watched,
  signal: AbortSignal,
): Promise<number> {
  const child = spawn(process.execPath, [...(reloadsItself ? [] : ['--watch', '--watch-preserve-output']), ...args], {
    cwd,
    // A restart compiles what was changed, not everything again.
    env: { NODE_COMPILE_CACHE: join(cacheDir(), 'compiled'), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = (): void => void child.kill('SIGTERM');
  signal.addEventListener('abort', stop, { once: true });

  let restartedAt: number | undefined;
  const onLine = (line: string): void => {
    write(line);
    // What `node --watch` prints when a file that the program has loaded was changed.
    if (stripVTControlCharacters(line).startsWith('Restarting ')) restartedAt = performance.now();
    else if (restartedAt !== undefined && serves.test(line)) {
      write(`↻ restarted in ${Math.round(performance.now() - restartedAt)} ms`);
      restartedAt = undefined;
    }
  };
  for (const output of [child.stdout, child.stderr] as Readable[])
    createInterface({ input: output }).on('line', onLine);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      signal.removeEventListener('abort', stop);
      resolve(code ?? 0);
    });
  });
}
