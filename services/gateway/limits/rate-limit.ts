/**
 * Token buckets by the generic cell rate algorithm: of each bucket only the time is kept at which it will be full again. `perMinute`
 * requests may come at once; after that one every `60 s / perMinute`.
 */
export interface Rate {
  readonly perMinute: number;
}

export interface Taken {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Until the bucket is full again. */
  readonly resetMs: number;
  /** Until the next request is taken; 0 when this one was. */
  readonly retryAfterMs: number;
}

/** Takes one request out of the bucket of that key. Never rejects. */
export type TakeToken = (key: string, rate: Rate) => Promise<Taken>;

export const WINDOW_MS = 60_000;

/** What is left of a bucket that will be full at `fullAt`, after a request that was taken, or not. */
export function taken({ perMinute }: Rate, now: number, fullAt: number, allowed: boolean): Taken {
  const interval = WINDOW_MS / perMinute;
  const owed = Math.max(0, fullAt - now);
  return {
    allowed,
    limit: perMinute,
    remaining: Math.max(0, Math.floor((WINDOW_MS - owed) / interval + 1e-9)),
    resetMs: owed,
    retryAfterMs: allowed ? 0 : Math.max(0, owed + interval - WINDOW_MS),
  };
}

/** Buckets in this process. Beyond `maxKeys` the one that was used longest ago is forgotten, which makes it full. */
export function memoryBuckets({ now, maxKeys = 50_000 }: { now: () => number; maxKeys?: number }): TakeToken {
  const fullAt = new Map<string, number>();
  return async (key, rate) => {
    const at = now();
    const interval = WINDOW_MS / rate.perMinute;
    const before = Math.max(at, fullAt.get(key) ?? at);
    const after = before + interval;
    const allowed = after - at <= WINDOW_MS + 1e-6;
    if (allowed) {
      fullAt.delete(key);
      fullAt.set(key, after);
      if (fullAt.size > maxKeys) fullAt.delete(fullAt.keys().next().value as string);
    }
    return taken(rate, at, allowed ? after : before, allowed);
  };
}
