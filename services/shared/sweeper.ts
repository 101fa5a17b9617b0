import { pause } from './backoff.ts';
import { type Logger, troubleLog } from './log.ts';

export interface SweeperOptions {
  /** What is swept, for the log. */
  readonly subject: string;
  /** Does a part of what is due. True: there may be more. */
  sweep(): Promise<boolean>;
  readonly everyMs: number;
  readonly log: Logger;
}

/** Looks for what is due again and again, at once while there is more. Goes on for ever: what is away is waited for. */
export function startSweeper({ subject, sweep, everyMs, log }: SweeperOptions): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const state = troubleLog(log, subject);
  const run = async () => {
    while (!stopping.signal.aborted) {
      const isMore = await sweep().then(
        (more) => (state.fine(), more),
        (error: unknown) => (state.trouble(error), false),
      );
      if (!isMore) await pause(everyMs, stopping.signal);
    }
  };
  const finished = run();
  return {
    async stop() {
      stopping.abort();
      await finished;
    },
  };
}
