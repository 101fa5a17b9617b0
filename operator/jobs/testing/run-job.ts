/** Runs Jobs in tests as the cluster would: an input file, an environment, a result file. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { JobResult } from '../contract.ts';
import type { JobEnv } from '../job.ts';

const MAIN = fileURLToPath(new URL('../../main.ts', import.meta.url));

type Run<R> = (env: JobEnv, signal: AbortSignal) => Promise<JobResult<R>>;

/** Runs a Job in this process and gives what it left in its result file. */
export async function runHere<R extends object>(
  run: Run<R>,
  input: unknown,
  env: JobEnv,
  signal: AbortSignal = new AbortController().signal,
): Promise<JobResult<R>> {
  return withFiles(input, async (files) => {
    await run({ LOG_LEVEL: 'silent', ...files, ...env }, signal);
    return JSON.parse(await readFile(files.ORDERPLANE_RESULT, 'utf8')) as JobResult<R>;
  });
}

export interface SpawnedJob {
  process: ChildProcess;
  /** Resolves with the first log line that holds `text`. */
  logged(text: string): Promise<string>;
  exited: Promise<{ code: number | null; signal: NodeJS.Signals | null; result: string }>;
}

/** Starts a Job as a process of its own, by its command. @param main the operator's program: its sources, unless a bundle is given */
export async function spawnJob(command: string, input: unknown, env: JobEnv, main = MAIN): Promise<SpawnedJob> {
  const { files, remove } = await writeFiles(input);
  const child = spawn(process.execPath, [main, command], {
    env: { ...process.env, ...files, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const look of waiting) look();
  });
  const exited = once(child, 'exit').then(async ([code, signal]) => {
    const result = await readFile(files.ORDERPLANE_RESULT, 'utf8').catch(() => '');
    await remove();
    return { code: code as number | null, signal: signal as NodeJS.Signals | null, result };
  });
  return {
    process: child,
    exited,
    logged: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const line = lines.find((candidate) => candidate.includes(text));
          if (line === undefined) return;
          waiting.delete(look);
          resolve(line);
        };
        waiting.add(look);
        look();
        void exited.then(() => reject(new Error(`the Job ended without logging "${text}":\n${lines.join('\n')}`)));
      }),
  };
}

export interface JobGroup {
  spawn(...job: Parameters<typeof spawnJob>): Promise<SpawnedJob>;
  /** kill -9 of those that are left; resolves when all have ended. */
  end(): Promise<void>;
}

/** Jobs that end together, at the latest. */
export function jobGroup(): JobGroup {
  const jobs: SpawnedJob[] = [];
  return {
    async spawn(...job) {
      const spawned = await spawnJob(...job);
      jobs.push(spawned);
      return spawned;
    },
    async end() {
      for (const job of jobs) job.process.kill('SIGKILL');
      await Promise.all(jobs.map((job) => job.exited));
    },
  };
}

/** A folder of migration files; `remove` it after. */
export async function sourceFolder(
  files: Record<string, string>,
): Promise<{ dir: string; remove: () => Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'orderplane-source-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  return { dir, remove: () => rm(dir, { recursive: true, force: true }) };
}

async function withFiles<T>(input: unknown, use: (files: JobFiles) => Promise<T>): Promise<T> {
  const { files, remove } = await writeFiles(input);
  try {
    return await use(files);
  } finally {
    await remove();
  }
}

interface JobFiles {
  ORDERPLANE_INPUT: string;
  ORDERPLANE_RESULT: string;
}

async function writeFiles(input: unknown): Promise<{ files: JobFiles; remove: () => Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'orderplane-job-'));
  const files = { ORDERPLANE_INPUT: join(dir, 'input.json'), ORDERPLANE_RESULT: join(dir, 'result.json') };
  await writeFile(files.ORDERPLANE_INPUT, JSON.stringify(input));
  return { files, remove: () => rm(dir, { recursive: true, force: true }) };
}
