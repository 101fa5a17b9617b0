import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

export interface ProcessSpec {
  name: string;
  command: string;
  args: readonly string[];
  /** File that stdout and stderr are appended to. */
  log: string;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

export interface ExitStatus {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface RunningProcess {
  name: string;
  pid: number;
  log: string;
  exited: Promise<ExitStatus>;
  hasExited(): boolean;
  kill(signal: NodeJS.Signals): void;
}

/** Starts a process that the kernel kills as soon as this one ends, however it ends. */
export async function startProcess(spec: ProcessSpec): Promise<RunningProcess> {
  const log = openSync(spec.log, 'a', 0o600);
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', spec.command, ...spec.args], {
    stdio: ['ignore', log, log],
    env: spec.env ?? process.env,
    cwd: spec.cwd,
  });
  closeSync(log);

  let status: ExitStatus | undefined;
  const exited = new Promise<ExitStatus>((resolve) => {
    child.once('exit', (code, signal) => resolve((status = { code, signal })));
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  return {
    name: spec.name,
    pid: child.pid as number,
    log: spec.log,
    exited,
    hasExited: () => status !== undefined,
    kill: (signal) => void child.kill(signal),
  };
}

/** SIGTERM, and SIGKILL for what is still there after the grace period. */
export async function stopProcess(process: RunningProcess, graceMs: number): Promise<void> {
  if (process.hasExited()) return;
  process.kill('SIGTERM');
  const timer = setTimeout(() => process.kill('SIGKILL'), graceMs);
  await process.exited;
  clearTimeout(timer);
}

/** The end of a log file, for error messages. */
export async function logTail(path: string, lines = 8): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}
