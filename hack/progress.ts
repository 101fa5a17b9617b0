import type { WriteStream } from 'node:tty';

export interface StepOptions {
  /** How long the step took elsewhere, in seconds: gives the time left until better is known. */
  expectedSeconds?: number;
}

export interface Step {
  /** Says what the step is at; `fraction` (0 to 1) of it is done, where that is known. */
  update(text: string, fraction?: number): void;
  done(note?: string): void;
  fail(error: unknown): void;
}

export interface Progress {
  step(title: string, options?: StepOptions): Step;
}

export interface ProgressOutput {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

const REDRAW_MS = 250;
const PLAIN_REPORT_MS = 30_000;
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

interface ActiveStep {
  title: string;
  text: string;
  fraction?: number;
  expectedSeconds?: number;
  started: number;
}

/**
 * Shows steps on standard error: on a terminal each running step is a line that counts its seconds, elsewhere a line at the start, one
 * every half minute and one at the end. Steps may overlap.
 */
export function createProgress(
  output: ProgressOutput | WriteStream = process.stderr,
  now: () => number = Date.now,
): Progress {
  return output.isTTY ? terminalProgress(output, now) : plainProgress(output, now);
}

/** Shows nothing: for tests, and where a caller reports by itself. */
export const silentProgress: Progress = { step: () => ({ update: () => {}, done: () => {}, fail: () => {} }) };

/** Runs `work` as a step: done when it resolves, failed when it throws. */
export async function inStep<T>(
  report: Progress,
  title: string,
  work: (step: Step) => Promise<T>,
  options?: StepOptions,
): Promise<T> {
  const step = report.step(title, options);
  try {
    const result = await work(step);
    step.done();
    return result;
  } catch (error) {
    step.fail(error);
    throw error;
  }
}

function plainProgress(output: ProgressOutput, now: () => number): Progress {
  return {
    step(title, options) {
      const step = newStep(title, options, now);
      output.write(`• ${title}\n`);
      const timer = setInterval(() => output.write(`  ${describe(step, now())}\n`), PLAIN_REPORT_MS);
      timer.unref();
      return settleOnce(step, (line) => {
        clearInterval(timer);
        output.write(`${line}\n`);
      }, now); // prettier-ignore
    },
  };
}

function terminalProgress(output: ProgressOutput, now: () => number): Progress {
  const active: ActiveStep[] = [];
  let drawn = 0;
  let timer: NodeJS.Timeout | undefined;
  const erase = () => {
    if (drawn > 0) output.write(`\x1b[${drawn}A\x1b[0J`);
    drawn = 0;
  };
  const draw = () => {
    const width = Math.max(20, output.columns ?? 80);
    const spinner = SPINNER[Math.floor(now() / REDRAW_MS) % SPINNER.length];
    for (const step of active) output.write(`${clip(`${spinner} ${describe(step, now())}`, width - 1)}\n`);
    drawn = active.length;
  };
  const redraw = () => {
    erase();
    draw();
  };
  return {
    step(title, options) {
      const step = newStep(title, options, now);
      active.push(step);
      redraw();
      timer ??= setInterval(redraw, REDRAW_MS).unref();
      return settleOnce(step, (line) => {
        erase();
        active.splice(active.indexOf(step), 1);
        output.write(`${line}\n`);
        draw();
        if (active.length === 0) {
          clearInterval(timer);
          timer = undefined;
        }
      }, now); // prettier-ignore
    },
  };
}

function newStep(title: string, options: StepOptions | undefined, now: () => number): ActiveStep {
  return { title, text: '', expectedSeconds: options?.expectedSeconds, started: now() };
}

/** A step that has ended ignores later calls, so that a late failure of a part cannot report it twice. */
function settleOnce(step: ActiveStep, end: (line: string) => void, now: () => number): Step {
  let settled = false;
  const settle = (line: () => string) => {
    if (settled) return;
    settled = true;
    end(line());
  };
  return {
    update(text, fraction) {
      step.text = text;
      step.fraction = fraction;
    },
    done: (note) => settle(() => `✓ ${step.title} (${seconds(now() - step.started)}${note ? `, ${note}` : ''})`),
    fail: (error) =>
      settle(
        () =>
          `✗ ${step.title} (${seconds(now() - step.started)}): ${error instanceof Error ? error.message : String(error)}`,
      ),
  };
}

function describe(step: ActiveStep, time: number): string {
  const elapsed = (time - step.started) / 1000;
  const left = secondsLeft(step, elapsed);
  const timing = `${Math.round(elapsed)} s${left === undefined ? '' : `, about ${Math.ceil(left)} s left`}`;
  return `${step.title}${step.text ? `: ${step.text}` : ''} (${timing})`;
}

/** From the share that is done where it is known, else from the expected duration; undefined when neither says anything. */
export function secondsLeft(
  step: { fraction?: number; expectedSeconds?: number },
  elapsedSeconds: number,
): number | undefined {
  if (step.fraction !== undefined && step.fraction > 0)
    return (elapsedSeconds / step.fraction) * (1 - Math.min(1, step.fraction));
  if (step.expectedSeconds === undefined || elapsedSeconds > step.expectedSeconds) return undefined;
  return step.expectedSeconds - elapsedSeconds;
}

function seconds(milliseconds: number): string {
  return milliseconds < 9_950 ? `${(milliseconds / 1000).toFixed(1)} s` : `${Math.round(milliseconds / 1000)} s`;
}

function clip(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}
