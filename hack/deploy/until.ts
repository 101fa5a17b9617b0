import { setTimeout as delay } from 'node:timers/promises';

const INTERVAL_MS = 200;

/**
 * Asks until the answer is true. An answer in words says what is still missing: the error names it when time is up.
 * A question that throws (a server that is restarting) is asked again as well.
 */
export async function until(
  what: string,
  patienceMs: number,
  signal: AbortSignal | undefined,
  ask: () => Promise<true | string>,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const answer = await ask().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
    if (answer === true) return;
    signal?.throwIfAborted();
    if (performance.now() > deadline)
      throw new Error(`waited ${Math.round(patienceMs / 1000)} s until ${what}, in vain: ${answer}`);
    await delay(INTERVAL_MS, undefined, { signal });
  }
}
