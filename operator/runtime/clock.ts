/** Time as an input, so that whatever waits can be tested without waiting. */
export interface Clock {
  now(): Date;
  /** Milliseconds since some moment; never jumps, whatever happens to the time of day. */
  elapsed(): number;
  /** Runs `callback` once after `ms`; the returned function cancels. */
  setTimeout(callback: () => void, ms: number): () => void;
}

const MAX_TIMER_MS = 2 ** 31 - 1;

export const realClock: Clock = {
  now: () => new Date(),
  elapsed: () => performance.now(),
  setTimeout(callback, ms) {
    const timer = setTimeout(callback, Math.min(ms, MAX_TIMER_MS));
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or at once (never rejects) when the signal aborts. */
export function sleep(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = () => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.setTimeout(finish, ms);
    signal?.addEventListener('abort', finish, { once: true });
  });
}

/** A clock that moves only when told to. */
export interface FakeClock extends Clock {
  /** Moves time forward, running due callbacks in order of their deadline. */
  advance(ms: number): void;
  /** Milliseconds until the next callback, or undefined when none is set. */
  nextIn(): number | undefined;
}

export function fakeClock(start = new Date(0)): FakeClock {
  let now = start.getTime();
  let sequence = 0;
  const timers = new Map<number, { at: number; callback: () => void }>();
  const next = () => {
    let first: [number, { at: number; callback: () => void }] | undefined;
    for (const entry of timers) if (!first || entry[1].at < first[1].at) first = entry;
    return first;
  };
  return {
    now: () => new Date(now),
    elapsed: () => now - start.getTime(),
    setTimeout(callback, ms) {
      const id = sequence++;
      timers.set(id, { at: now + Math.max(0, ms), callback });
      return () => void timers.delete(id);
    },
    advance(ms) {
      const end = now + ms;
      for (let due = next(); due && due[1].at <= end; due = next()) {
        timers.delete(due[0]);
        now = due[1].at;
        due[1].callback();
      }
      now = end;
    },
    nextIn() {
      const first = next();
      return first && first[1].at - now;
    },
  };
}

/** metav1.MicroTime: six digits of fraction, without which the API server refuses a Lease. */
export function toMicroTime(date: Date): string {
  return date.toISOString().replace('Z', '000Z');
}
