import { setTimeout as delay } from 'node:timers/promises';

/** Garbage collection takes up to 30 s to learn of a kind that was just defined. */
const LIMIT_MS = 60_000;
const POLL_MS = 25;

/** Asks until the answer is neither undefined nor false; throws with `what`, and what was last seen, when it never is. */
export async function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  lastSeen: () => Promise<unknown> = async () => undefined,
): Promise<T> {
  const end = Date.now() + LIMIT_MS;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`never came true: ${what}\n${JSON.stringify(await lastSeen(), null, 2)}`);
    await delay(POLL_MS);
  }
}
