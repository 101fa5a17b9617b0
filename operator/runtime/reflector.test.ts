import { describe, expect, test } from '@jest/globals';
import type { Client, WatchEvent, WatchOptions } from './client.ts';
import { fakeClock } from './clock.ts';
import { ApiError } from './errors.ts';
import { createInformer, type InformerEvent } from './informer.ts';
import { ConfigMaps, type ConfigMap } from './known-resources.ts';
import { silentLogger } from './log.ts';

const gone = () => new ApiError('too old resource version', { status: 410, reason: 'Expired' });
const configMap = (name: string, resourceVersion: string, uid = name): ConfigMap => ({
  metadata: { name, namespace: 'n', uid, resourceVersion },
});

interface ListAnswer {
  items: ConfigMap[];
  resourceVersion: string;
  continue?: string;
}
/** What one watch does: gives events, then ends, fails, or (nothing said) stays open. */
interface WatchScript {
  events?: WatchEvent<ConfigMap>[];
  end?: 'close' | Error;
}

/** Plays scripted answers to an informer on a fake clock; time moves only when nothing else can happen. */
async function play(script: { lists: (ListAnswer | Error)[]; watches: WatchScript[] }) {
  const clock = fakeClock();
  const stop = new AbortController();
  const asked: string[] = [];
  const seen: string[] = [];
  const pauses: number[] = [];
  const { promise: played, resolve: finish } = Promise.withResolvers<void>();
  const client = {
    async list(_: unknown, options: { resourceVersion?: string; continue?: string }) {
      asked.push(options.continue ? `page ${options.continue}` : `list ${options.resourceVersion ?? 'newest'}`);
      const answer = script.lists.shift() ?? new Error('nothing more to list');
      if (answer instanceof Error) throw answer;
      return structuredClone(answer);
    },
    async *watch(_: unknown, { resourceVersion, signal }: WatchOptions) {
      asked.push(`watch ${resourceVersion}`);
      const { events = [], end } = script.watches.shift() ?? {};
      for (const event of events) yield structuredClone(event);
      if (end === 'close') return;
      if (end) throw end;
      if (script.watches.length === 0) finish();
      await new Promise((_resolve, reject) => signal!.addEventListener('abort', () => reject(signal!.reason as Error)));
    },
  } as unknown as Client;
  const waking = {
    ...clock,
    setTimeout(callback: () => void, ms: number) {
      if (ms > 60_000) return clock.setTimeout(callback, ms); // a watch's deadline
      pauses.push(ms);
      setImmediate(() => clock.advance(ms));
      return clock.setTimeout(callback, ms);
    },
  };
  const informer = createInformer(ConfigMaps, {
    client,
    clock: waking,
    log: silentLogger,
    tuning: { backoff: { baseMs: 500, maxMs: 30_000, jitter: 0 } },
  });
  informer.addHandler((event) => seen.push(describeEvent(event)));
  const run = informer.start(stop.signal);
  return {
    informer,
    clock,
    asked,
    seen,
    pauses,
    played,
    async stop() {
      stop.abort();
      await run;
    },
  };
}

function describeEvent(event: InformerEvent<ConfigMap>): string {
  const flag =
    (event.type === 'add' && event.initial && ' initial') || (event.type === 'update' && event.resync && ' resync');
  return `${event.type} ${event.object.metadata.name}${flag || ''}`;
}

const modified = (name: string, version: string): WatchEvent<ConfigMap> => ({
  type: 'MODIFIED',
  object: configMap(name, version),
});
const bookmark = (version: string): WatchEvent<ConfigMap> => ({ type: 'BOOKMARK', object: configMap('', version) });

const cases: Record<
  string,
  { lists: (ListAnswer | Error)[]; watches: WatchScript[]; asked: string[]; seen: string[]; pauses?: number[] }
> = {
  'lists page by page, then watches from there': {
    lists: [
      { items: [configMap('a', '1')], resourceVersion: '9', continue: 'p2' },
      { items: [configMap('b', '2')], resourceVersion: '9' },
    ],
    watches: [{ events: [modified('a', '10'), { type: 'DELETED', object: configMap('b', '11') }] }],
    asked: ['list 0', 'page p2', 'watch 9'],
    seen: ['add a initial', 'add b initial', 'update a', 'delete b'],
  },
  'lists all at once when the rest of the pages was forgotten': {
    lists: [
      { items: [configMap('a', '1'), configMap('b', '2')], resourceVersion: '9', continue: 'p2' },
      gone(),
      { items: [configMap('a', '10'), configMap('c', '3')], resourceVersion: '12' },
    ],
    watches: [{}],
    asked: ['list 0', 'page p2', 'list newest', 'watch 12'],
    seen: ['add a initial', 'add c initial'],
  },
  'goes on after a watch that ended, from the last bookmark': {
    lists: [{ items: [], resourceVersion: '5' }],
    watches: [{ events: [bookmark('7')], end: 'close' }, { events: [modified('a', '8')] }],
    asked: ['list 0', 'watch 5', 'watch 7'],
    seen: ['add a'],
  },
  'goes on after a cut, from the last event, without losing its place': {
    lists: [{ items: [], resourceVersion: '5' }],
    watches: [{ events: [modified('a', '6')], end: new Error('socket hang up') }, {}],
    asked: ['list 0', 'watch 5', 'watch 6'],
    seen: ['add a'],
  },
  'lists anew when its version is too old, and tells of what was deleted meanwhile': {
    lists: [
      { items: [configMap('a', '1'), configMap('b', '2'), configMap('c', '3')], resourceVersion: '5' },
      { items: [configMap('b', '2'), configMap('c', '8'), configMap('d', '9')], resourceVersion: '9' },
    ],
    watches: [{ end: gone() }, {}],
    asked: ['list 0', 'watch 5', 'list newest', 'watch 9'],
    seen: ['add a initial', 'add b initial', 'add c initial', 'delete a', 'update b resync', 'update c', 'add d'],
    pauses: [500],
  },
  'takes an error inside the stream as an answer too': {
    lists: [
      { items: [], resourceVersion: '5' },
      { items: [], resourceVersion: '9' },
    ],
    watches: [{ events: [{ type: 'ERROR', object: { code: 410, reason: 'Expired' } }] }, {}],
    asked: ['list 0', 'watch 5', 'list newest', 'watch 9'],
    seen: [],
  },
  'lists anew when the server was restored from a backup': {
    lists: [
      { items: [], resourceVersion: '500' },
      { items: [], resourceVersion: '9' },
    ],
    watches: [
      {
        end: new ApiError('Too large resource version', {
          status: 504,
          reason: 'Timeout',
          details: { causes: [{ reason: 'ResourceVersionTooLarge' }] },
        }),
      },
      {},
    ],
    asked: ['list 0', 'watch 500', 'list newest', 'watch 9'],
    seen: [],
  },
  'ignores what something in between sent again, a deleted object among it': {
    lists: [{ items: [configMap('a', '1')], resourceVersion: '5' }],
    watches: [
      {
        events: [
          modified('a', '8'),
          { type: 'DELETED', object: configMap('a', '10') },
          modified('a', '8'),
          modified('b', '9'),
        ],
      },
    ],
    asked: ['list 0', 'watch 5'],
    seen: ['add a initial', 'update a', 'delete a'],
  },
  'waits as long as a busy server asks for': {
    lists: [{ items: [], resourceVersion: '5' }],
    watches: [{ end: new ApiError('busy', { status: 429, reason: 'TooManyRequests', retryAfterMs: 7_000 }) }, {}],
    asked: ['list 0', 'watch 5', 'watch 5'],
    seen: [],
    pauses: [7_000],
  },
  'tells of a namesake as a deletion and an addition': {
    lists: [{ items: [configMap('a', '1', 'first')], resourceVersion: '5' }],
    watches: [{ events: [{ type: 'MODIFIED', object: configMap('a', '6', 'second') }] }],
    asked: ['list 0', 'watch 5'],
    seen: ['add a initial', 'delete a', 'add a'],
  },
  'waits longer and longer while nothing works, and starts over after a success': {
    lists: [new Error('down'), new Error('down'), new Error('down'), { items: [], resourceVersion: '5' }],
    watches: [
      { end: new Error('cut') },
      { end: 'close' },
      { events: [bookmark('6')], end: 'close' },
      { end: 'close' },
      {},
    ],
    asked: ['list 0', 'list 0', 'list 0', 'list 0', 'watch 5', 'watch 5', 'watch 5', 'watch 6', 'watch 6'],
    seen: [],
    pauses: [500, 1000, 2000, 500, 500],
  },
};

describe('a reflector', () => {
  test.each(Object.entries(cases))('%s', async (_, { lists, watches, asked, seen, pauses }) => {
    const run = await play({ lists, watches });
    await run.played;
    expect(run.asked).toEqual(asked);
    expect(run.seen).toEqual(seen);
    if (pauses) expect(run.pauses).toEqual(pauses);
    await run.stop();
  });

  test('gives up on a watch that outlives its own deadline', async () => {
    const run = await play({ lists: [{ items: [], resourceVersion: '5' }], watches: [{}] });
    await run.played;
    run.clock.advance(600_000 + 15_000);
    await new Promise(setImmediate);
    expect(run.asked).toEqual(['list 0', 'watch 5', 'watch 5']);
    await run.stop();
  });

  test('can be told to list anew', async () => {
    const a = { items: [configMap('a', '1')], resourceVersion: '5' };
    const run = await play({ lists: [a, a], watches: [{}] });
    await run.played;
    run.informer.forceRelist();
    await new Promise(setImmediate);
    expect(run.seen).toEqual(['add a initial', 'update a resync']);
    await run.stop();
  });
});

describe('the cache', () => {
  test('finds by namespace, owner and index, and forgets what changed', async () => {
    const owned = (name: string, uid: string, version: string): ConfigMap => ({
      ...configMap(name, version),
      metadata: {
        ...configMap(name, version).metadata,
        ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid }],
      },
    });
    const run = await play({
      lists: [{ items: [owned('a', 'o1', '1'), owned('b', 'o1', '2')], resourceVersion: '5' }],
      watches: [{ events: [{ type: 'MODIFIED', object: owned('b', 'o2', '6') }] }],
    });
    run.informer.addIndex('first letter', (object) => [object.metadata.name[0]!]);
    await run.played;
    const names = (objects: ConfigMap[]) => objects.map((object) => object.metadata.name);
    expect(names(run.informer.byOwner('o1'))).toEqual(['a']);
    expect(names(run.informer.byOwner('o2'))).toEqual(['b']);
    expect(names(run.informer.byIndex('first letter', 'b'))).toEqual(['b']);
    expect(names(run.informer.list({ namespace: 'n' }))).toEqual(['a', 'b']);
    expect(run.informer.list({ namespace: 'other' })).toEqual([]);
    run.informer.addIndex('broken for b', ({ metadata: { name } }) => {
      if (name === 'b') throw new Error('no');
      return ['x'];
    });
    expect(names(run.informer.byIndex('broken for b', 'x'))).toEqual(['a']);
    expect(() => run.informer.byIndex('none', 'x')).toThrow('no index "none"');
    const object = run.informer.get({ namespace: 'n', name: 'a' })!;
    expect(() => (object.metadata.name = 'z')).toThrow(TypeError);
    await run.stop();
  });
});
