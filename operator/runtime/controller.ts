import { sleep, type Clock } from './clock.ts';
import { TerminalError, toError } from './errors.ts';
import type { Informer, InformerEvent } from './informer.ts';
import type { Log } from './log.ts';
import type { Metrics, ReconcileResult } from './metrics.ts';
import { controllerOf, refersTo } from './owner.ts';
import type { Predicate } from './predicate.ts';
import { createQueue, type WorkQueue } from './queue.ts';
import { keyFromString, keyOf, keyToString, type KubeObject, type ObjectKey } from './resource.ts';

/** What a reconcile asks for: nothing until something changes, or another run after a while. */
export type Result = { kind: 'done' } | { kind: 'requeueAfter'; ms: number };

export function done(): Result {
  return { kind: 'done' };
}

export function requeueAfter(ms: number): Result {
  return { kind: 'requeueAfter', ms };
}

export interface ReconcileContext {
  /** Aborts when the reconcile takes too long, or the process must end. Pass it to every request. */
  signal: AbortSignal;
  log: Log;
}

/** Brings the world to what the object at `key` asks for. A throw is retried with backoff, a TerminalError is not. */
export type Reconcile = (key: ObjectKey, context: ReconcileContext) => Promise<Result>;

/** Objects whose changes concern others: `map` names the keys to reconcile, for the old and the new state alike. */
export interface Watch {
  informer: Informer;
  map(object: KubeObject): ObjectKey[];
  /** Filters changes. */
  predicate?: Predicate;
}

/** A `Watch` whose map function has the type of the informer's objects. */
export function watching<T extends KubeObject>(informer: Informer<T>, map: (object: T) => ObjectKey[]): Watch {
  return { informer, map: map as Watch['map'] };
}

export interface ControllerOptions<T extends KubeObject> {
  name: string;
  for: Informer<T>;
  /** Filters changes of the objects in `for`. */
  predicate?: Predicate<T>;
  /** Changes of these are mapped to their controller, where that is of the kind in `for`. */
  owns?: Informer[];
  watches?: Watch[];
  reconcile: Reconcile;
  /** Keys worked on at once. Default 1; a key is never worked on twice at once. */
  concurrency?: number;
  /** After this the reconcile's signal aborts. Default two minutes. */
  timeoutMs?: number;
}

export interface Controller {
  readonly name: string;
  /** Everything whose cache must be synced first. */
  readonly informers: Informer[];
  /** Queues a key as if its object had changed. */
  enqueue(key: ObjectKey): void;
  /** Works until `stop` aborts, then finishes what runs; `kill` aborts that too. */
  run(stop: AbortSignal, kill: AbortSignal): Promise<void>;
}

/** What found an object in a list, rather than saw it change, waits behind fresh edits. */
const BACKGROUND_PRIORITY = -100;
const DEFAULT_TIMEOUT_MS = 120_000;

export function createController<T extends KubeObject>(
  options: ControllerOptions<T>,
  environment: { clock: Clock; log: Log; metrics: Metrics },
): Controller {
  const { name, concurrency = 1 } = options;
  const { clock, metrics } = environment;
  const log = environment.log.child({ controller: name });
  const { observer, attach } = metrics.queue(name);
  const queue = createQueue({ clock, observer });
  attach(queue, clock.elapsed);
  const runOne = createRunner(options, { clock, log, metrics, queue });
  mapEvents(options, queue);

  async function work(stop: AbortSignal, kill: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      const key = await queue.get();
      if (key === undefined) return;
      if (!stop.aborted) await runOne(key, kill);
      queue.done(key);
    }
  }

  return {
    name,
    informers: [
      options.for,
      ...(options.owns ?? []),
      ...(options.watches ?? []).map((watch) => watch.informer),
    ] as Informer[],
    enqueue: (key) => queue.add(keyToString(key)),
    async run(stop, kill) {
      const shutDown = () => queue.shutDown();
      stop.addEventListener('abort', shutDown, { once: true });
      if (stop.aborted) shutDown();
      await Promise.all(Array.from({ length: concurrency }, () => work(stop, kill)));
    },
  };
}

function mapEvents<T extends KubeObject>(options: ControllerOptions<T>, queue: WorkQueue): void {
  const { predicate = () => true, owns = [], watches = [] } = options;
  const primary = options.for.resource;
  const subscribe = <O extends KubeObject>(
    informer: Informer<O>,
    keysOf: (object: O) => ObjectKey[],
    wanted: Predicate<O>,
  ) =>
    informer.addHandler((event) => {
      if (!isResync(event) && !wanted(event)) return;
      const priority = isBackground(event) ? BACKGROUND_PRIORITY : 0;
      const states = event.type === 'update' && !event.resync ? [event.previous, event.object] : [event.object];
      const keys = new Set(states.flatMap((state) => keysOf(state).map(keyToString)));
      for (const key of keys) queue.add(key, priority);
    });

  subscribe(options.for, (object) => [keyOf(object)], predicate);
  for (const informer of owns) {
    subscribe(
      informer,
      (object) => {
        const owner = controllerOf(object);
        if (!owner || !refersTo(owner, primary)) return [];
        return [{ namespace: primary.namespaced ? (object.metadata.namespace ?? '') : '', name: owner.name }];
      },
      () => true,
    );
  }
  for (const { informer, map, predicate: wanted = () => true } of watches) subscribe(informer, map, wanted);
}

function isResync(event: InformerEvent<KubeObject>): boolean {
  return event.type === 'update' && event.resync;
}

function isBackground(event: InformerEvent<KubeObject>): boolean {
  return isResync(event) || (event.type === 'add' && event.initial);
}

function createRunner<T extends KubeObject>(
  options: ControllerOptions<T>,
  environment: { clock: Clock; log: Log; metrics: Metrics; queue: WorkQueue },
): (key: string, kill: AbortSignal) => Promise<void> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const { clock, log, metrics, queue } = environment;
  const observer = metrics.controller(options.name, options.concurrency ?? 1);

  function settle(key: string, result: Result): ReconcileResult {
    queue.forget(key);
    if (result.kind === 'done') return 'success';
    queue.addAfter(key, result.ms);
    return 'requeue_after';
  }

  return async (key, kill) => {
    const started = performance.now();
    const { namespace, name } = keyFromString(key);
    const keyLog = log.child({ namespace, name });
    const abort = new AbortController();
    const onKill = () => abort.abort(kill.reason);
    kill.addEventListener('abort', onKill, { once: true });
    const cancelTimeout = clock.setTimeout(
      () => abort.abort(new Error(`the reconcile took longer than ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    let result: ReconcileResult = 'error';
    let terminal = false;
    observer.started();
    try {
      result = settle(key, await options.reconcile({ namespace, name }, { signal: abort.signal, log: keyLog }));
    } catch (thrown) {
      const error = toError(thrown);
      terminal = error instanceof TerminalError;
      if (terminal) queue.forget(key);
      const retryInMs = terminal ? undefined : Math.round(queue.retry(key));
      keyLog.error({ err: error, retryInMs }, terminal ? 'reconcile failed for good' : 'reconcile failed');
    } finally {
      cancelTimeout();
      kill.removeEventListener('abort', onKill);
      observer.finished(result, (performance.now() - started) / 1000, terminal);
    }
  };
}

/** Waits for work to end, but no longer than `ms`, nor after `cut` aborts; whether it ended. */
export async function endsWithin(
  work: Promise<unknown>,
  clock: Clock,
  ms: number,
  cut?: AbortSignal,
): Promise<boolean> {
  const timeout = new AbortController();
  const ended = work.then(() => true);
  const either = cut ? AbortSignal.any([timeout.signal, cut]) : timeout.signal;
  const expired = sleep(clock, ms, either).then(() => false);
  try {
    return await Promise.race([ended, expired]);
  } finally {
    timeout.abort();
  }
}
