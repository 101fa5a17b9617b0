import { copyFile, stat, truncate } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { ComponentState } from '../status.ts';
import { startProcess, type ProcessSpec, type RunningProcess } from '../process.ts';

const FIRST_DELAY_MS = 200;
const LONGEST_DELAY_MS = 5_000;
/** A process that ran this long has recovered: the next failure starts from the shortest delay again. */
const STEADY_MS = 20_000;
const LOG_CHECK_MS = 60_000;
const LOG_LIMIT_BYTES = 32 * 1024 * 1024;

/** How long to wait before the next start: doubles with each failure in a row. */
export function restartDelayMs(failuresInARow: number): number {
  return Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (failuresInARow - 1));
}

/** Starts the process, and again whenever it ends, for as long as this process lives. */
export function keepRunning(spec: ProcessSpec, onChange: (state: ComponentState) => void): void {
  setInterval(() => void limitLog(spec.log).catch(logFailure(spec)), LOG_CHECK_MS).unref();
  void keep(spec, onChange);
}

async function keep(spec: ProcessSpec, onChange: (state: ComponentState) => void): Promise<never> {
  let failures = 0;
  for (let restarts = 0; ; restarts++) {
    const started = Date.now();
    const running = await startProcess(spec).catch(logFailure(spec));
    if (running) {
      onChange({ name: spec.name, running: true, restarts });
      await ended(running);
    }
    failures = Date.now() - started > STEADY_MS ? 1 : failures + 1;
    onChange({ name: spec.name, running: false, restarts: restarts + 1 });
    await delay(restartDelayMs(failures));
  }
}

function logFailure({ name }: ProcessSpec): (error: unknown) => void {
  return (error) => console.error(`${name}:`, error);
}

async function ended(running: RunningProcess): Promise<void> {
  const { code, signal } = await running.exited;
  console.error(`${running.name} ended (${signal ?? `exit status ${code}`})`);
}

/** Keeps one former log. The process appends to its log, so emptying the file under it is safe. */
async function limitLog(path: string, limitBytes = LOG_LIMIT_BYTES): Promise<void> {
  const size = await stat(path).then((file) => file.size, () => 0); // prettier-ignore
  if (size < limitBytes) return;
  await copyFile(path, `${path}.1`);
  await truncate(path);
}
