import { setTimeout as delay } from 'node:timers/promises';

export interface EventuallyOptions {
  readonly timeoutMs: number;
  readonly everyMs?: number;
  /** What is waited for, for the message when time is up. */
  readonly what: string;
}

/**
 * Asks until the answer is neither undefined nor false, and returns it. For what can only be asked for (a database row, a page);
 * what Kubernetes can tell is watched instead. An error of the question counts as "not yet" and is named when time is up.
 */
export async function eventually<T>(ask: () => Promise<T | undefined | false>, options: EventuallyOptions): Promise<T> {
  const deadline = Date.now() + options.timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      last = undefined;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) {
      const because = last instanceof Error ? `: ${last.message}` : '';
      throw new Error(`${options.what} did not happen within ${options.timeoutMs / 1000} s${because}`, { cause: last });
    }
    await delay(options.everyMs ?? 50);
  }
}
