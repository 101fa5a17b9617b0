/** Chance that can be had again: set FAULT_SEED to what a run printed. */
export interface Chance {
  seed: number;
  /** So many of them, in a random order; all when there are fewer. */
  sample<T>(items: readonly T[], count: number): T[];
  /** A random whole number from 0 to below the bound. */
  below(bound: number): number;
}

export function chance(seed = Number(process.env.FAULT_SEED ?? Math.floor(Math.random() * 2 ** 31))): Chance {
  let state = seed;
  // mulberry32
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    seed,
    below: (bound) => Math.floor(next() * bound),
    sample(items, count) {
      const left = [...items];
      const picked: (typeof left)[number][] = [];
      while (left.length > 0 && picked.length < count) picked.push(...left.splice(Math.floor(next() * left.length), 1));
      return picked;
    },
  };
}
