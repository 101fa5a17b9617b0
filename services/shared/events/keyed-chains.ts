/** Runs tasks of the same key one after the other, in the order they came, and those of different keys side by side. */
export function keyedChains() {
  const tails = new Map<string, Promise<void>>();
  return {
    /** The task handles its own errors: it must not reject. */
    run(key: string, task: () => Promise<void>): void {
      const tail = (tails.get(key) ?? Promise.resolve()).then(task);
      tails.set(key, tail);
      void tail.finally(() => {
        if (tails.get(key) === tail) tails.delete(key);
      });
    },
    /** Resolves when everything that was asked for so far has run. */
    async idle(): Promise<void> {
      await Promise.allSettled(tails.values());
    },
  };
}
