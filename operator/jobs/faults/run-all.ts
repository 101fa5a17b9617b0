/** Most of the time a Job waits: for its server, or for a lock of one that was killed. */
const AT_ONCE = 8;

/** Does the work for all items, so many at a time. */
export async function runAll<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
  atOnce = AT_ONCE,
): Promise<void> {
  const left = items.values();
  await Promise.all(
    Array.from({ length: Math.min(atOnce, items.length) }, async () => {
      for (const item of left) await work(item);
    }),
  );
}
