import type { Answer } from '../gateway/ask.ts';
import type { Order } from '../gateway/operations.ts';

export interface FollowOptions {
  find: () => Promise<Answer<{ order: Order | null }>>;
  /** Resolves after so many milliseconds; rejects when the follower has gone. */
  delay: (ms: number) => Promise<void>;
  /** Milliseconds on a clock that never goes back. */
  now: () => number;
}

/**
 * Asks until the read model has the order. A gateway that fails meanwhile is asked again: the order is accepted, so it
 * will come. Often at first, to measure well what takes milliseconds; ever less often when it takes long.
 */
export async function followOrder({ find, delay, now }: FollowOptions): Promise<Order> {
  const start = now();
  for (;;) {
    const answer = await find();
    if (answer.kind === 'data' && answer.data.order) return answer.data.order;
    await delay(pauseAfter(now() - start));
  }
}

function pauseAfter(elapsedMs: number): number {
  if (elapsedMs < 500) return 20;
  return Math.min(2_000, elapsedMs / 10);
}
