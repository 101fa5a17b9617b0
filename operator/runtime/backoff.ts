/** Exponential backoff: attempt 0 waits about `baseMs`, each further one twice as long, up to `maxMs`. */
export interface Backoff {
  baseMs: number;
  maxMs: number;
  /** The share of the delay that chance may add: 0.2 gives [d, 1.2 d). */
  jitter: number;
}

/** The delay before retry number `attempt` (0-based), in milliseconds; never above `maxMs`. */
export function backoffDelay(backoff: Backoff, attempt: number, random: () => number = Math.random): number {
  const delay = Math.min(backoff.baseMs * 2 ** attempt, backoff.maxMs);
  return Math.min(delay * (1 + backoff.jitter * random()), backoff.maxMs);
}
