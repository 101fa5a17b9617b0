/** Waiting for the cluster without asking again and again: a list, then a watch from there. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@orderplane/operator/runtime/index.ts';
import { describeConditions } from './conditions.ts';
import {
  keyOf,
  keyToString,
  type KubeObject,
  type ObjectKey,
  type Resource,
} from '@orderplane/operator/runtime/index.ts';

export interface Watched {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface WaitOptions {
  readonly timeoutMs: number;
  /** What is waited for, for the message when time is up. */
  readonly what: string;
}

/** What is waited for, or that it is not there yet. */
type Answer<A> = A | undefined | false | Promise<A | undefined | false>;

/** Resolves with the first answer that is neither undefined nor false, asked after every change of the objects. */
export async function waitForObjects<T extends KubeObject, A>(
  client: Client,
  resource: Resource<T>,
  watched: Watched,
  ask: (objects: readonly T[]) => Answer<A>,
  options: WaitOptions,
): Promise<A> {
  const stop = new AbortController();
  let seen: readonly T[] = [];
  const timer = setTimeout(() => stop.abort(), options.timeoutMs);
  try {
    for await (const objects of states(client, resource, watched, stop.signal)) {
      seen = objects;
      const answer = await ask(objects);
      if (answer !== undefined && answer !== false) return answer;
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
  const state = seen.map(describeConditions).join('\n') || 'nothing';
  throw new Error(`${options.what} did not happen within ${options.timeoutMs / 1000} s. Last seen: ${state}`);
}

/** As waitForObjects, for one object; it is undefined while it is not there. */
export async function waitForObject<T extends KubeObject, A>(
  client: Client,
  resource: Resource<T>,
  key: ObjectKey,
  ask: (object: T | undefined) => Answer<A>,
  options: WaitOptions,
): Promise<A> {
  const watched = { namespace: key.namespace || undefined, fieldSelector: `metadata.name=${key.name}` };
  return waitForObjects(client, resource, watched, ([object]) => ask(object), options);
}

/** The objects, and the objects after each change, until the signal. */
export async function* states<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  watched: Watched,
  signal: AbortSignal,
): AsyncGenerator<readonly T[], void> {
  while (!signal.aborted) {
    const { items, resourceVersion } = await client.list(resource, { ...watched, signal });
    const objects = new Map(items.map((item) => [keyToString(keyOf(item)), item]));
    yield [...objects.values()];
    try {
      const options = { ...watched, resourceVersion, timeoutSeconds: 300, idleMs: 310_000, signal };
      for await (const event of client.watch(resource, options)) {
        if (event.type === 'ERROR') break;
        if (event.type === 'BOOKMARK') continue;
        const key = keyToString(keyOf(event.object));
        if (event.type === 'DELETED') objects.delete(key);
        else objects.set(key, event.object);
        yield [...objects.values()];
      }
    } catch (error) {
      if (signal.aborted) return;
      // A cut connection: list again, as every client of Kubernetes does.
      console.warn(`watch of ${resource.plural} was cut: ${error instanceof Error ? error.message : String(error)}`);
    }
    await delay(100, undefined, { signal }).catch(() => {});
  }
}
