import { CodedError } from '@orderplane/shared/errors.ts';

export interface HashingQueue {
  /** Runs `work` when its turn comes. Throws RATE_LIMITED when too much waits already, TIMEOUT when nobody waits for it any more. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** How much waits for its turn. */
  waiting(): number;
}

interface Turn {
  begin(): void;
}

/**
 * Runs a few at a time, the others in the order in which they came, up to a bound: past it, whoever comes is better told at once than
 * after having waited for longer than callers do. Who went away meanwhile is not worked for.
 */
export function hashingQueue({ atOnce, atMostWaiting }: { atOnce: number; atMostWaiting: number }): HashingQueue {
  const queue = new Set<Turn>();
  let running = 0;

  const turn = (signal: AbortSignal | undefined) => {
    if (signal?.aborted) return Promise.reject(new CodedError('TIMEOUT'));
    if (running < atOnce) {
      running += 1;
      return Promise.resolve();
    }
    if (queue.size >= atMostWaiting) return Promise.reject(new CodedError('RATE_LIMITED'));
    return new Promise<void>((resolve, reject) => {
      const leave = () => {
        queue.delete(mine);
        reject(new CodedError('TIMEOUT'));
      };
      const mine: Turn = {
        begin() {
          signal?.removeEventListener('abort', leave);
          resolve();
        },
      };
      queue.add(mine);
      signal?.addEventListener('abort', leave, { once: true });
    });
  };
  const next = () => {
    const [first] = queue;
    if (!first) return void (running -= 1);
    // It takes over the place that has become free.
    queue.delete(first);
    first.begin();
  };
  return {
    async run(work, signal) {
      await turn(signal);
      try {
        return await work();
      } finally {
        next();
      }
    },
    waiting: () => queue.size,
  };
}
