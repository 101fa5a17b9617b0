/** What `load` may be asked for at once. */
const MAX_KEYS = 100;

/**
 * Turns single look-ups into few: those of one pass over a request's objects are made together, each key once. For one request: what was found is
 * kept.
 */
export function batched<T>(load: (keys: string[]) => Promise<ReadonlyMap<string, T>>) {
  const found = new Map<string, Promise<T | undefined>>();
  let waiting: { keys: string[]; batch: Promise<ReadonlyMap<string, T>> } | undefined;
  return (key: string): Promise<T | undefined> => {
    const known = found.get(key);
    if (known) return known;
    if (!waiting || waiting.keys.length === MAX_KEYS) {
      const keys: string[] = [];
      const batch = Promise.resolve().then(() => {
        if (waiting?.keys === keys) waiting = undefined;
        return load(keys);
      });
      waiting = { keys, batch };
    }
    waiting.keys.push(key);
    const value = waiting.batch.then((values) => values.get(key));
    found.set(key, value);
    return value;
  };
}
