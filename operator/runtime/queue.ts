import { backoffDelay, type Backoff } from './backoff.ts';
import type { Clock } from './clock.ts';

/** Told of what happens in a queue; durations are in seconds. */
export interface QueueObserver {
  added(depth: number): void;
  started(depth: number, waitedSeconds: number): void;
  finished(workedSeconds: number): void;
  retried(): void;
}

/**
 * A queue of keys with client-go's semantics: a key is worked on by one worker at a time, and any number of adds while it
 * waits, or while it is worked on, give exactly one more run. Higher priorities first, first come first served within.
 */
export interface WorkQueue {
  /** Queues a key now; a delay that it was waiting out is over. Raises the priority of a key that waits already. */
  add(key: string, priority?: number): void;
  /** Queues a key after a delay; of several delays the one that ends first counts. */
  addAfter(key: string, ms: number, priority?: number): void;
  /** Queues a key that failed, after its backoff and at the priority it had; returns the delay in milliseconds. */
  retry(key: string): number;
  /** Ends a key's backoff: its next failure counts as the first. */
  forget(key: string): void;
  /** Waits for a key to work on; undefined once the queue is shut down and drained. Call `done` afterwards. */
  get(): Promise<string | undefined>;
  done(key: string): void;
  /** Refuses further adds and drops what waits out a delay; what is queued can still be had. */
  shutDown(): void;
  /** Keys ready to be worked on. */
  readonly depth: number;
  /** When each key that is being worked on was started, on the clock's `elapsed`. */
  readonly running: Iterable<number>;
}

export const RETRY_BACKOFF: Backoff = { baseMs: 5, maxMs: 1_000_000, jitter: 0.1 };

interface Entry {
  priority: number;
  since: number;
}

export function createQueue(options: {
  clock: Clock;
  backoff?: Backoff;
  random?: () => number;
  observer?: QueueObserver;
}): WorkQueue {
  const { clock, backoff = RETRY_BACKOFF, random, observer } = options;
  const ready = new Map<number, Set<string>>(); // by priority; a Set keeps the order of arrival
  const dirty = new Map<string, Entry>();
  const processing = new Map<string, Entry>();
  const delayed = new Map<string, { at: number; priority: number; cancel: () => void }>();
  const failures = new Map<string, number>();
  const waiters: ((key: string | undefined) => void)[] = [];
  let depth = 0;
  let closed = false;
  const now = () => clock.elapsed();

  function push(key: string, priority: number): void {
    let keys = ready.get(priority);
    if (!keys) ready.set(priority, (keys = new Set()));
    keys.add(key);
    depth++;
  }

  function pop(): string | undefined {
    let best: number | undefined;
    for (const [priority, keys] of ready) {
      if (keys.size > 0 && (best === undefined || priority > best)) best = priority;
    }
    if (best === undefined) return undefined;
    const keys = ready.get(best)!;
    const [key] = keys as Iterable<string> as [string];
    keys.delete(key);
    depth--;
    return key;
  }

  function start(key: string): string {
    const { priority, since } = dirty.get(key)!;
    dirty.delete(key);
    processing.set(key, { priority, since: now() });
    observer?.started(depth, (now() - since) / 1000);
    return key;
  }

  function wake(): void {
    while (waiters.length > 0 && depth > 0) waiters.shift()!(start(pop()!));
  }

  function cancelDelay(key: string): void {
    delayed.get(key)?.cancel();
    delayed.delete(key);
  }

  function add(key: string, priority = 0): void {
    if (closed) return;
    cancelDelay(key);
    const queued = dirty.get(key);
    if (queued) {
      if (priority <= queued.priority) return;
      if (ready.get(queued.priority)?.delete(key)) {
        depth--;
        push(key, priority);
      }
      queued.priority = priority;
      return;
    }
    dirty.set(key, { priority, since: now() });
    if (!processing.has(key)) push(key, priority);
    observer?.added(depth);
    wake();
  }

  function addAfter(key: string, ms: number, priority = 0): void {
    if (ms <= 0) return add(key, priority);
    if (closed || dirty.has(key)) return;
    const at = now() + ms;
    const pending = delayed.get(key);
    if (pending && pending.at <= at) return;
    cancelDelay(key);
    delayed.set(key, { at, priority, cancel: clock.setTimeout(() => add(key, priority), ms) });
  }

  return {
    add,
    addAfter,
    retry(key) {
      const attempt = failures.get(key) ?? 0;
      failures.set(key, attempt + 1);
      const delay = backoffDelay(backoff, attempt, random);
      observer?.retried();
      addAfter(key, delay, processing.get(key)?.priority);
      return delay;
    },
    forget: (key) => void failures.delete(key),
    get() {
      const key = pop();
      if (key !== undefined) return Promise.resolve(start(key));
      if (closed) return Promise.resolve(undefined);
      return new Promise((resolve) => waiters.push(resolve));
    },
    done(key) {
      const entry = processing.get(key);
      if (!entry) return;
      processing.delete(key);
      observer?.finished((now() - entry.since) / 1000);
      const again = dirty.get(key);
      if (again) push(key, again.priority);
      wake();
    },
    shutDown() {
      closed = true;
      for (const key of delayed.keys()) cancelDelay(key);
      for (const resolve of waiters.splice(0)) resolve(undefined); // whoever waits found nothing ready
    },
    get depth() {
      return depth;
    },
    get running() {
      return Array.from(processing.values(), (entry) => entry.since);
    },
  };
}
