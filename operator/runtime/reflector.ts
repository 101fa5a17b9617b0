import { backoffDelay, type Backoff } from './backoff.ts';
import type { Client, WatchEvent } from './client.ts';
import { sleep, type Clock } from './clock.ts';
import { ApiError, isForbidden, isGone, isVersionTooLarge } from './errors.ts';
import type { Log } from './log.ts';
import { isOlderVersion, type KubeObject, type Resource } from './resource.ts';

/** Takes what a reflector learns. */
export interface ReflectorSink<T> {
  /** Everything that exists; what is not listed is gone. */
  replace(objects: T[]): void;
  upsert(object: T): void;
  remove(object: T): void;
  /** Nothing could be learnt: the server does not let this user list it. It is asked again all the same. */
  refuse?(): void;
}

export interface ReflectorOptions<T extends KubeObject> {
  client: Client;
  resource: Resource<T>;
  sink: ReflectorSink<T>;
  clock: Clock;
  log: Log;
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  random?: () => number;
  tuning?: Partial<ReflectorTuning>;
}

export interface ReflectorTuning {
  pageSize: number;
  /** The server ends a watch after a random time in this range, so that reconnects spread out. */
  watchSeconds: [number, number];
  /** A watch that outlives the server's own timeout by this is dead. */
  deadlineGraceMs: number;
  /** The server sends a bookmark about once a minute: longer silence means a dead connection. */
  idleMs: number;
  backoff: Backoff;
}

const DEFAULT_TUNING: ReflectorTuning = {
  pageSize: 500,
  watchSeconds: [300, 600],
  deadlineGraceMs: 15_000,
  idleMs: 150_000,
  backoff: { baseMs: 500, maxMs: 30_000, jitter: 0.5 },
};

/** A watch that ends sooner, with nothing to tell, counts as failed: else a broken proxy would be asked in a tight loop. */
const HEALTHY_WATCH_MS = 1_000;

export interface Reflector {
  /** Lists, then watches, until the signal aborts. Never gives up and never throws. */
  run(signal: AbortSignal): Promise<void>;
  /** Lists everything anew, now. */
  forceRelist(): void;
}

/** Keeps a sink equal to what the API server has, whatever happens to the connection. */
export function createReflector<T extends KubeObject>(options: ReflectorOptions<T>): Reflector {
  const { client, resource, sink, clock, random = Math.random } = options;
  const { namespace, labelSelector, fieldSelector } = options;
  const tuning = { ...DEFAULT_TUNING, ...options.tuning };
  const log = options.log.child({ resource: resource.plural, ...(namespace ? { namespace } : {}) });
  const scope = { namespace, labelSelector, fieldSelector };
  let version: string | undefined;
  /** How long the server asked to be left alone, if it did. */
  let asked = 0;
  let everListed = false;
  let interrupt = new AbortController();

  async function relist(signal: AbortSignal): Promise<void> {
    // Any cached state will do to start with; later on only the newest, or an event already seen might be undone.
    const resourceVersion = everListed ? undefined : '0';
    let page = await client.list(resource, { ...scope, limit: tuning.pageSize, resourceVersion, signal });
    let objects = page.items;
    while (page.continue) {
      try {
        page = await client.list(resource, { ...scope, limit: tuning.pageSize, continue: page.continue, signal });
        for (const object of page.items) objects.push(object);
      } catch (error) {
        if (!isGone(error)) throw error;
        // So many changes that the rest of the list was forgotten: all at once, or it could happen for ever.
        page = await client.list(resource, { ...scope, signal });
        objects = page.items;
      }
    }
    everListed = true;
    sink.replace(objects);
    version = page.resourceVersion;
  }

  async function watch(signal: AbortSignal): Promise<number> {
    const [least, most] = tuning.watchSeconds;
    const timeoutSeconds = Math.round(least + random() * (most - least));
    const deadline = new AbortController();
    const cancelDeadline = clock.setTimeout(
      () => deadline.abort(new Error('the watch outlived its timeout')),
      timeoutSeconds * 1000 + tuning.deadlineGraceMs,
    );
    let events = 0;
    try {
      const either = AbortSignal.any([signal, deadline.signal]);
      const request = { ...scope, resourceVersion: version!, timeoutSeconds, idleMs: tuning.idleMs, signal: either };
      for await (const event of client.watch(resource, request)) {
        events++;
        take(event);
      }
    } finally {
      cancelDeadline();
    }
    return events;
  }

  function take(event: WatchEvent<T>): void {
    if (event.type === 'ERROR') {
      const { code = 500, reason = '', message = 'the watch failed' } = event.object;
      throw new ApiError(message, { status: code, reason, details: event.object.details });
    }
    // Versions only grow along a watch: what is older than the last event was sent again by something in between.
    if (isOlderVersion(event.object.metadata.resourceVersion, version)) return;
    if (event.type === 'DELETED') sink.remove(event.object);
    else if (event.type !== 'BOOKMARK') sink.upsert(event.object);
    version = event.object.metadata.resourceVersion;
  }

  /** One list (where needed) and one watch; whether it went well. */
  async function cycle(signal: AbortSignal): Promise<boolean> {
    const started = clock.elapsed();
    const lived = () => clock.elapsed() - started >= HEALTHY_WATCH_MS;
    const before = version;
    try {
      if (version === undefined) await relist(signal);
      return (await watch(signal)) > 0 || lived();
    } catch (error) {
      if (signal.aborted) return true;
      const lost = isGone(error) || isVersionTooLarge(error);
      if (lost) version = undefined;
      if (error instanceof ApiError) asked = error.retryAfterMs ?? 0;
      if (isForbidden(error) && version === undefined) sink.refuse?.();
      log.info(
        { err: error, relist: lost },
        lost ? 'the watch fell behind: listing anew' : 'the watch broke: reconnecting',
      );
      return !lost && version !== before && version !== undefined;
    }
  }

  return {
    async run(signal) {
      let failures = 0;
      while (!signal.aborted) {
        if (interrupt.signal.aborted) {
          interrupt = new AbortController();
          version = undefined;
        }
        asked = 0;
        const healthy = await cycle(AbortSignal.any([signal, interrupt.signal]));
        if (signal.aborted || interrupt.signal.aborted) continue;
        failures = healthy ? 0 : failures + 1;
        const backoff = failures > 0 ? backoffDelay(tuning.backoff, failures - 1, random) : 0;
        const pause = Math.max(asked, backoff);
        if (pause > 0) await sleep(clock, pause, AbortSignal.any([signal, interrupt.signal]));
      }
    },
    forceRelist: () => interrupt.abort(),
  };
}
