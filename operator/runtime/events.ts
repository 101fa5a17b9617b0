import { randomBytes } from 'node:crypto';
import type { Client } from './client.ts';
import { toMicroTime, type Clock } from './clock.ts';
import { toError } from './errors.ts';
import { Events, type Event } from './known-resources.ts';
import type { Log } from './log.ts';
import { keyOf, type KubeObject } from './resource.ts';

/** Something that happened to an object, for `kubectl describe` and `kubectl events`. */
export interface EventInput {
  type: 'Normal' | 'Warning';
  /** CamelCase, up to 128 characters: why. */
  reason: string;
  message: string;
  /** CamelCase, up to 128 characters: what the controller did or failed to do. Default: the reason. */
  action?: string;
}

export interface Recorder {
  /**
   * Records an event and returns at once; never throws, never fails a reconcile. A repetition becomes a count on the first
   * one, written at most once a minute; so do, from the eleventh on, those that differ in the message alone. An object that
   * floods is throttled.
   */
  event(object: KubeObject, input: EventInput): void;
  /** Resolves when what was recorded so far has been sent or given up. */
  flush(): Promise<void>;
  close(): void;
}

const SERIES_WRITE_MS = 60_000;
const SERIES_END_MS = 360_000;
/** As in client-go: so many messages for one reason within ten minutes, then they become one event. */
const MAX_SIMILAR = 10;
const SIMILAR_MS = 600_000;
const BURST = 30;
const REFILL_MS = 60_000;
const MAX_PENDING = 1000;
const MAX_TRACKED = 4096;
const MAX_NOTE = 1024;

interface Series {
  event: Promise<Event | undefined>;
  count: number;
  lastSeen: number;
  cancelWrite: (() => void) | undefined;
  everWritten: boolean;
}

export function createRecorder(options: {
  client: Client;
  clock: Clock;
  log: Log;
  controller: string;
  instance: string;
}): Recorder {
  const { client, clock, log } = options;
  const series = new Map<string, Series>();
  const allowance = createAllowance(clock);
  const isTooSimilar = createSimilarity(clock);
  let sending: Promise<unknown> = Promise.resolve();
  let pending = 0;

  /** Sends one after the other, in order; what fails is dropped. */
  function send(write: () => Promise<Event>): Promise<Event | undefined> {
    if (pending >= MAX_PENDING) return Promise.resolve(undefined);
    pending++;
    const sent = sending.then(write).catch((error: unknown) => {
      log.debug({ err: toError(error) }, 'an event was not recorded');
      return undefined;
    });
    sending = sent.finally(() => pending--);
    return sent;
  }

  function repeat(known: Series): void {
    known.count++;
    known.lastSeen = clock.now().getTime();
    if (known.cancelWrite) return;
    const write = () => {
      known.cancelWrite = undefined;
      known.everWritten = true;
      const { count } = known;
      const lastObservedTime = toMicroTime(new Date(known.lastSeen));
      void known.event.then((event) => {
        if (event) void send(() => client.mergePatch(Events, keyOf(event), { series: { count, lastObservedTime } }));
      });
    };
    known.cancelWrite = clock.setTimeout(write, known.everWritten ? SERIES_WRITE_MS : 1_000);
  }

  return {
    event(object, given) {
      try {
        const now = clock.now().getTime();
        const kind = JSON.stringify([object.metadata.uid, given.type, given.reason, given.action]);
        const combined = isTooSimilar(kind, given.message);
        const input = combined ? { ...given, message: `(combined from similar events): ${given.message}` } : given;
        const key = combined ? kind : `${kind} ${given.message}`;
        const known = series.get(key);
        if (known && now - known.lastSeen < SERIES_END_MS) return repeat(known);
        if (!allowance(object.metadata.uid ?? object.metadata.name)) return;
        const body = newEvent(object, input, clock.now(), options);
        known?.cancelWrite?.();
        series.delete(key);
        forgetOldest(series);
        const event = send(() => client.create(Events, body));
        series.set(key, { event, count: 1, lastSeen: now, cancelWrite: undefined, everWritten: false });
      } catch (error) {
        log.debug({ err: toError(error) }, 'an event was not recorded');
      }
    },
    async flush() {
      await sending;
    },
    close() {
      for (const known of series.values()) known.cancelWrite?.();
      series.clear();
    },
  };
}

function newEvent(
  object: KubeObject,
  input: EventInput,
  now: Date,
  from: { controller: string; instance: string },
): Event {
  const { name, namespace, uid, resourceVersion } = object.metadata;
  return {
    metadata: { name: `${name.slice(0, 230)}.${randomBytes(8).toString('hex')}`, namespace: namespace ?? 'default' },
    eventTime: toMicroTime(now),
    type: input.type,
    reason: input.reason,
    action: input.action ?? input.reason,
    note: input.message.length > MAX_NOTE ? `${input.message.slice(0, MAX_NOTE - 1)}…` : input.message,
    reportingController: from.controller,
    reportingInstance: from.instance,
    regarding: { apiVersion: object.apiVersion, kind: object.kind, name, namespace, uid, resourceVersion },
  };
}

/** Whether a message is one too many of its kind. */
function createSimilarity(clock: Clock): (kind: string, message: string) => boolean {
  const kinds = new Map<string, { messages: Set<string>; lastSeen: number }>();
  return (kind, message) => {
    const now = clock.elapsed();
    const known = kinds.get(kind);
    const similar = known && now - known.lastSeen < SIMILAR_MS ? known : { messages: new Set<string>(), lastSeen: now };
    kinds.delete(kind);
    forgetOldest(kinds);
    kinds.set(kind, similar);
    similar.lastSeen = now;
    if (similar.messages.has(message)) return false;
    if (similar.messages.size >= MAX_SIMILAR) return true;
    similar.messages.add(message);
    return false;
  };
}

/** A token bucket an object. */
function createAllowance(clock: Clock): (id: string) => boolean {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return (id) => {
    const now = clock.now().getTime();
    const last = buckets.get(id) ?? { tokens: BURST, at: now };
    const tokens = Math.min(BURST, last.tokens + (now - last.at) / REFILL_MS);
    buckets.delete(id);
    forgetOldest(buckets);
    buckets.set(id, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    return tokens >= 1;
  };
}

function forgetOldest(map: Map<string, unknown>): void {
  if (map.size < MAX_TRACKED) return;
  const [oldest] = map.keys() as Iterable<string> as [string];
  map.delete(oldest);
}
