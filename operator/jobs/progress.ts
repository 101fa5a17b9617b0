import type { Log } from '../runtime/log.ts';

/** Tells how far a Job has come, in log lines with a string `progress` that the operator shows. */
export interface Progress {
  tell(text: string): void;
  /** Ends the telling; what was last told and not yet written is dropped. */
  end(): void;
}

/** Writes the newest text at most once in `everyMs`: the first at once, and what came meanwhile when the time is up. */
export function createProgress(log: Log, everyMs = 1_000): Progress {
  let waiting: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  const write = (progress: string): void => {
    log.info({ progress }, progress);
    timer = setTimeout(flush, everyMs).unref();
  };
  const flush = (): void => {
    timer = undefined;
    if (waiting === undefined) return;
    const text = waiting;
    waiting = undefined;
    write(text);
  };
  return {
    tell: (text) => {
      if (timer) waiting = text;
      else write(text);
    },
    end: () => {
      clearTimeout(timer);
      timer = undefined;
      waiting = undefined;
    },
  };
}
