import { describe, expect, jest, test } from '@jest/globals';
import { fakeClock } from './clock.ts';
import {
  createController,
  done,
  requeueAfter,
  watching,
  type ControllerOptions,
  type Reconcile,
} from './controller.ts';
import { TerminalError } from './errors.ts';
import type { Informer, InformerEvent } from './informer.ts';
import { ConfigMaps, Deployments, Secrets } from './known-resources.ts';
import { silentLogger } from './log.ts';
import { createMetrics } from './metrics.ts';
import { specChanged } from './predicate.ts';
import type { KubeObject, ObjectKey, Resource } from './resource.ts';

/** An informer that says what it is told to say. */
function fakeInformer(resource: Resource) {
  const handlers: ((event: InformerEvent<KubeObject>) => void)[] = [];
  const informer = { resource, addHandler: (handler: (typeof handlers)[number]) => void handlers.push(handler) };
  return {
    informer: informer as unknown as Informer,
    emit: (event: InformerEvent<KubeObject>) => handlers.forEach((handler) => handler(event)),
  };
}

const object = (name: string, metadata: Partial<KubeObject['metadata']> = {}): KubeObject => ({
  metadata: { name, namespace: 'n', ...metadata },
});
const settle = () => new Promise(setImmediate);

function setup(reconcile: Reconcile, options: Partial<ControllerOptions<KubeObject>> = {}) {
  const clock = fakeClock();
  const metrics = createMetrics();
  const primary = fakeInformer(ConfigMaps as Resource);
  const controller = createController(
    { name: 'test', for: primary.informer, reconcile, ...options },
    { clock, log: silentLogger, metrics },
  );
  const stop = new AbortController();
  const kill = new AbortController();
  const run = controller.run(stop.signal, kill.signal);
  const edit = (name: string) => primary.emit({ type: 'add', object: object(name), initial: false });
  const count = async (name: string, labels: Record<string, string>) => {
    const { values } = await metrics.registry.getSingleMetric(name)!.get();
    return values.find((value) => Object.entries(labels).every(([label, text]) => value.labels[label] === text))?.value;
  };
  return { clock, primary, controller, stop, kill, run, edit, count };
}

/** Runs one object through a controller, advancing time between runs; gives the times at which it was reconciled. */
async function timesOfRuns(outcomes: (() => ReturnType<Reconcile>)[], advances: number[]) {
  const times: number[] = [];
  const t = setup(async () => {
    times.push(t.clock.now().getTime());
    return (outcomes.shift() ?? (async () => done()))();
  });
  t.edit('a');
  await settle();
  for (const ms of advances) {
    t.clock.advance(ms);
    await settle();
  }
  return { times, ...t };
}

describe('what a reconcile ends with', () => {
  test('done: no further run', async () => {
    const { times, count } = await timesOfRuns([async () => done()], [1_000_000]);
    expect(times).toEqual([0]);
    expect(await count('controller_runtime_reconcile_total', { result: 'success' })).toBe(1);
    expect(await count('controller_runtime_reconcile_total', { result: 'error' })).toBe(0);
  });

  test('requeueAfter: one run after that time', async () => {
    const { times, count } = await timesOfRuns([async () => requeueAfter(5_000)], [4_999, 1, 100_000]);
    expect(times).toEqual([0, 5_000]);
    expect(await count('controller_runtime_reconcile_total', { result: 'requeue_after' })).toBe(1);
  });

  test('a throw, sync or not: retried with backoff, which a success ends', async () => {
    const fail = () => Promise.reject(new Error('no'));
    const failAtOnce = () => {
      throw new Error('no');
    };
    const { times, count } = await timesOfRuns([fail, failAtOnce, fail], [6, 12, 25, 1_000_000]);
    expect(times.length).toBe(4);
    expect(await count('controller_runtime_reconcile_errors_total', {})).toBe(3);
    expect(await count('workqueue_retries_total', { name: 'test' })).toBe(3);
  });

  test('a TerminalError: no retry until the object changes', async () => {
    const { times, count, edit } = await timesOfRuns(
      [() => Promise.reject(new TerminalError('bad spec'))],
      [10_000_000],
    );
    expect(times).toEqual([0]);
    edit('a');
    await settle();
    expect(times.length).toBe(2);
    expect(await count('controller_runtime_terminal_reconcile_errors_total', {})).toBe(1);
  });
});

describe('which keys a change queues', () => {
  const ownedBy = (kind: string, name: string, apiVersion = 'v1') => ({
    ownerReferences: [{ apiVersion, kind, name, uid: 'u', controller: true }],
  });
  const update = (
    before: Partial<KubeObject['metadata']>,
    after: Partial<KubeObject['metadata']>,
  ): InformerEvent<KubeObject> => ({
    type: 'update',
    object: object('a', after),
    previous: object('a', before),
    resync: false,
  });
  const label = { labels: { 'orderplane.dev/x': '1' } };
  const cases: Record<
    string,
    { from: 'primary' | 'owned' | 'watched'; event: InformerEvent<KubeObject>; keys: string[] }
  > = {
    'a new generation': { from: 'primary', event: update({ generation: 1 }, { generation: 2 }), keys: ['a'] },
    'a status update': { from: 'primary', event: update({ generation: 1 }, { generation: 1 }), keys: [] },
    'a finalizer that went': { from: 'primary', event: update({ finalizers: ['f'] }, { finalizers: [] }), keys: ['a'] },
    'an annotation that was named': {
      from: 'primary',
      event: update({}, { annotations: { again: '1' } }),
      keys: ['a'],
    },
    'a label that was not named': { from: 'primary', event: update({}, label), keys: [] },
    'a resync, though nothing changed': {
      from: 'primary',
      event: { type: 'update', object: object('a'), previous: object('a'), resync: true },
      keys: ['a'],
    },
    'a deletion': { from: 'primary', event: { type: 'delete', object: object('a') }, keys: ['a'] },
    'an owned object': {
      from: 'owned',
      event: { type: 'delete', object: object('d', ownedBy('ConfigMap', 'own')) },
      keys: ['own'],
    },
    'an object owned by another kind': {
      from: 'owned',
      event: { type: 'delete', object: object('d', ownedBy('Secret', 'own')) },
      keys: [],
    },
    'an object owned by a namesake kind of another group': {
      from: 'owned',
      event: { type: 'delete', object: object('d', ownedBy('ConfigMap', 'own', 'x.io/v1')) },
      keys: [],
    },
    'an object that changed its owner': {
      from: 'owned',
      event: update(ownedBy('ConfigMap', 'old'), ownedBy('ConfigMap', 'new')),
      keys: ['new', 'old'],
    },
    'a watched object, by its old and its new state': {
      from: 'watched',
      event: update({ labels: { of: 'x' } }, { labels: { of: 'y' } }),
      keys: ['x', 'y'],
    },
  };
  test.each(Object.entries(cases))('%s', async (_, { from, event, keys }) => {
    const seen: string[] = [];
    const owned = fakeInformer(Deployments as Resource);
    const watched = fakeInformer(Secrets as Resource);
    const map = (secret: KubeObject): ObjectKey[] => [{ namespace: 'n', name: secret.metadata.labels!.of! }];
    const t = setup(async (key) => (seen.push(key.name), done()), {
      predicate: specChanged({ annotations: ['again'] }),
      owns: [owned.informer],
      watches: [watching(watched.informer, map)],
    });
    ({ primary: t.primary, owned, watched })[from].emit(event);
    await settle();
    expect(seen.sort()).toEqual(keys);
  });
});

describe('running', () => {
  test('one worker an object, as many objects at once as allowed', async () => {
    const running = new Set<string>();
    let most = 0;
    const release: (() => void)[] = [];
    const t = setup(
      async ({ name }) => {
        expect(running.has(name)).toBe(false);
        running.add(name);
        most = Math.max(most, running.size);
        await new Promise<void>((resolve) => release.push(resolve));
        running.delete(name);
        return done();
      },
      { concurrency: 2 },
    );
    for (const name of ['a', 'b', 'c', 'a']) t.edit(name);
    await settle();
    t.edit('a');
    while (release.length > 0) {
      release.shift()!();
      await settle();
    }
    expect(most).toBe(2);
    expect(await t.count('controller_runtime_reconcile_total', { result: 'success' })).toBe(4);
  });

  test('a reconcile that takes too long is told to stop, and counts as failed', async () => {
    const reconcile: Reconcile = (_, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
    const t = setup(reconcile, { timeoutMs: 1_000 });
    t.edit('a');
    await settle();
    t.clock.advance(1_000);
    await settle();
    expect(await t.count('controller_runtime_reconcile_errors_total', {})).toBe(1);
  });

  test('stopping finishes what runs, starts nothing more, and can be cut short', async () => {
    const reconcile = jest.fn<Reconcile>(
      (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    );
    const t = setup(reconcile);
    t.edit('a');
    t.edit('b');
    await settle();
    t.stop.abort();
    await settle();
    expect(reconcile.mock.calls.map(([key]) => key.name)).toEqual(['a']);
    t.kill.abort(new Error('now'));
    await t.run;
    expect(reconcile).toHaveBeenCalledTimes(1);
  });
});
