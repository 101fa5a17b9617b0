import { AsyncLocalStorage } from 'node:async_hooks';

export interface BatchingOptions {
  /** Items of one batch. */
  readonly maxItems: number;
  /**
   * Batches under way at a time: more than one only while a crowd waits, because a batch costs about the same for one item as for a few. What
   * comes meanwhile is done together next.
   */
  readonly lanes: number;
  /** From the start of a batch to that of the next, at least: for a batch that costs more than such a wait. What comes after a while of nothing never waits. */
  readonly pauseMs?: number;
}

/** So many items are worth a batch beside the one that is under way. */
export const CROWD = 8;

/**
 * Makes of many calls, one item each, few calls of `run`: a commit, or a request, for all that came while the last one was under way. `run`
 * answers for each item in its place; when it rejects, so do all of the batch. It runs as a part of the first item's request.
 */
export function batching<Item, Result>(
  { maxItems, lanes, pauseMs = 0 }: BatchingOptions,
  run: (items: readonly Item[]) => Promise<readonly PromiseSettledResult<Result>[]>,
): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = [];
  let running = 0;
  let isPausing = false;

  const runBatch = async () => {
    running += 1;
    if (pauseMs > 0) pause();
    const batch = waiting.splice(0, maxItems);
    try {
      const items = batch.map(({ item }) => item);
      // A batch that waited for the one before would be a part of that one's request.
      const results = await (batch[0]?.within(() => run(items)) ?? []);
      batch.forEach(({ resolve, reject }, index) => {
        const result = results[index];
        if (result?.status === 'fulfilled') resolve(result.value);
        else reject(result ? result.reason : new Error('a batch did not answer for all of its items'));
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      running -= 1;
      next();
    }
  };
  const pause = () => {
    isPausing = true;
    setTimeout(() => {
      isPausing = false;
      next();
    }, pauseMs);
  };
  const next = () => {
    const enough = running === 0 ? 1 : CROWD;
    if (!isPausing && running < lanes && waiting.length >= enough) void runBatch();
  };

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, within: AsyncLocalStorage.snapshot(), resolve, reject });
      // Not at once: what came in together goes together.
      if (waiting.length === 1 || waiting.length === CROWD) setImmediate(next);
    });
}

interface Waiting<Item, Result> {
  readonly item: Item;
  /** Runs something as a part of the request of whoever asked. */
  readonly within: <T>(work: () => T) => T;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
}
