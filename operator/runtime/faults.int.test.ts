import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { startControlPlane, type ControlPlane } from '../../hack/testing/control-plane.ts';
import { applyIfChanged } from './apply.ts';
import { createClient, type Client } from './client.ts';
import { done } from './controller.ts';
import { createInformer, type Informer, type InformerEvent } from './informer.ts';
import { ConfigMaps, Namespaces, Secrets, type ConfigMap } from './known-resources.ts';
import { silentLogger } from './log.ts';
import { createManager } from './manager.ts';
import { controllerReference } from './owner.ts';
import { eventually } from './testing/eventually.ts';
import { replayed, slow, startFaultProxy, truncated, type Fault, type FaultProxy } from './testing/fault-proxy.ts';

jest.setTimeout(90_000);

let controlPlane: ControlPlane;
let user: Client;
let proxy: FaultProxy;
let client: Client;
let namespace: string;
let namespaces = 0;
let stop: AbortController;
let running: Promise<unknown>;

beforeAll(async () => {
  controlPlane = await startControlPlane({ audit: true });
  user = createClient({ kubeconfig: { path: controlPlane.kubeconfig } });
}, 120_000);

afterAll(async () => {
  await user.close();
  await controlPlane.stop();
});

beforeEach(async () => {
  proxy = await startFaultProxy(controlPlane.kubeconfig);
  client = createClient({ kubeconfig: { path: proxy.kubeconfig } });
  namespace = `test-${++namespaces}`;
  await user.create(Namespaces, { metadata: { name: namespace } });
  stop = new AbortController();
});

afterEach(async () => {
  proxy.heal();
  stop.abort();
  await running;
  await client.close();
  await proxy.close();
});

const put = (name: string, value: string) =>
  user.apply(ConfigMaps, { metadata: { name, namespace, labels: { copy: 'yes' } }, data: { value } });

/** Makes, changes and deletes objects; every one of ten is deleted in the end. */
async function edit(rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < 10; i++) await put(`c${i}`, `${round}`);
    await user.delete(ConfigMaps, { namespace, name: `c${round % 10}` });
  }
}

async function stored(): Promise<Record<string, string>> {
  const { items } = await user.list(ConfigMaps, { namespace, labelSelector: 'copy=yes' });
  return Object.fromEntries(items.map((o) => [o.metadata.name, o.data?.value ?? '']).sort());
}

describe('a cache, behind a network that', () => {
  function watch() {
    const events: InformerEvent<ConfigMap>[] = [];
    const informer = createInformer(ConfigMaps, {
      client,
      namespaces: [namespace],
      labelSelector: 'copy=yes',
      tuning: { pageSize: 4, idleMs: 1_500, backoff: { baseMs: 20, maxMs: 200, jitter: 0.5 } },
    });
    informer.addHandler((event) => events.push(event));
    running = informer.start(stop.signal);
    return { informer, events };
  }
  const cached = (informer: Informer<ConfigMap>) =>
    Object.fromEntries(
      informer
        .list()
        .map((o) => [o.metadata.name, o.data?.value ?? ''])
        .sort(),
    );
  /** What a handler that believes every event ends up with. */
  const told = (events: InformerEvent<ConfigMap>[]) => {
    const known = new Map<string, string>();
    for (const { type, object } of events) {
      if (type === 'delete') known.delete(object.metadata.name);
      else known.set(object.metadata.name, object.data?.value ?? '');
    }
    return Object.fromEntries([...known].sort());
  };

  const onWatches = (fault: Fault) => () => (request: { isWatch: boolean }) => (request.isWatch ? fault : undefined);
  const every = (n: number, fault: Fault) => () => {
    let requests = 0;
    return () => (++requests % n === 0 ? fault : undefined);
  };
  const first = (n: number, fault: Fault) => () => {
    let requests = 0;
    return () => (requests++ < n ? fault : undefined);
  };
  const cases: Record<string, () => Parameters<FaultProxy['inject']>[0]> = {
    'ends watches in the middle of an event': onWatches(truncated(3)),
    'ends the first watches before their first event': first(6, truncated(0)),
    'sends old events again and again': onWatches(replayed()),
    'holds events back': onWatches(slow(20)),
    'lets every second request go unanswered in a broken connection': every(2, { kind: 'hang up', when: 'before' }),
    'loses every second answer': every(2, { kind: 'hang up', when: 'after' }),
    'has the first lists and watches refused with 429': first(3, { kind: 'answer', status: 429, retryAfterSeconds: 1 }),
    'has the first lists and watches refused with 500': first(8, { kind: 'answer', status: 500 }),
    'says of every second request that its version is too old': every(2, {
      kind: 'answer',
      status: 410,
      reason: 'Expired',
    }),
  };
  test.each(Object.entries(cases))(
    '%s, follows all the same, and its events tell the same story',
    async (_, faults) => {
      await put('before', '1');
      proxy.inject(faults());
      const { informer, events } = watch();
      await edit(4);
      const expected = await stored();
      await eventually(
        'the cache to follow',
        () => JSON.stringify(cached(informer)) === JSON.stringify(expected),
        60_000,
      );
      expect(told(events)).toEqual(expected);
    },
  );
});

test('a controller converges through faults of every kind, and then writes nothing more', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  const random = randomFrom(seed);
  const faults: Fault[] = [
    { kind: 'answer', status: 409, reason: 'Conflict' },
    { kind: 'answer', status: 410, reason: 'Expired' },
    { kind: 'answer', status: 429, retryAfterSeconds: 1 },
    { kind: 'answer', status: 500 },
    { kind: 'answer', status: 503 },
    { kind: 'hang up', when: 'before' },
    { kind: 'hang up', when: 'after' },
    { kind: 'delay', ms: 200 },
  ];
  const ofWatches = [truncated(2), truncated(0), replayed(), slow(10)];
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)];
  proxy.inject(({ isWatch }) => {
    if (random() > (isWatch ? 0.7 : 0.25)) return undefined;
    return isWatch && random() > 0.3 ? pick(ofWatches) : pick(faults);
  });

  const manager = createManager({ client, log: silentLogger, namespaces: [namespace] });
  const originals = manager.informer(ConfigMaps, { labelSelector: 'copy=yes' });
  const copies = manager.informer(Secrets, { labelSelector: 'copied=yes' });
  manager.controller({
    name: 'copy',
    for: originals,
    owns: [copies],
    concurrency: 4,
    async reconcile(key, { signal }) {
      const original = originals.get(key);
      if (!original) {
        await client.delete(Secrets, key, { signal });
        return done();
      }
      const desired = {
        metadata: { ...key, labels: { copied: 'yes' }, ownerReferences: [controllerReference(ConfigMaps, original)] },
        data: { value: Buffer.from(original.data?.value ?? '').toString('base64') },
      };
      await applyIfChanged(client, Secrets, desired, copies.get(key), { signal });
      return done();
    },
  });
  running = manager.run(stop.signal);
  await edit(8);
  proxy.heal();
  const expected = await stored();
  const copied = async () => {
    const { items } = await user.list(Secrets, { namespace, labelSelector: 'copied=yes' });
    return Object.fromEntries(
      items.map((o) => [o.metadata.name, Buffer.from(o.data?.value ?? '', 'base64').toString()]).sort(),
    );
  };
  let now: Record<string, string> = {};
  await eventually(
    `the copies to follow (SEED=${seed})`,
    async () => JSON.stringify((now = await copied())) === JSON.stringify(expected),
    60_000,
  ).catch(() => expect({ seed, copies: now }).toEqual({ seed, copies: expected }));

  // A watch may still be in its backoff: what the cache does not have yet is rightly applied once more.
  await eventually('the cache to be as the server', async () => {
    const { items } = await user.list(Secrets, { namespace, labelSelector: 'copied=yes' });
    const isCached = items.every(({ metadata }) => {
      const cached = copies.get({ namespace, name: metadata.name });
      return cached?.metadata.resourceVersion === metadata.resourceVersion;
    });
    const underWay = ['workqueue_depth', 'controller_runtime_active_workers'].map((name) =>
      total(manager.registry, name),
    );
    return isCached && (await Promise.all(underWay)).every((value) => value === 0);
  });

  const writes: string[] = [];
  client.observe(({ method }) => void (method !== 'GET' && writes.push(method)));
  const count = () => total(manager.registry, 'controller_runtime_reconcile_total');
  const before = await count();
  originals.forceRelist();
  await eventually('a visit to each', async () => (await count()) >= before + Object.keys(expected).length);
  expect({ seed, writes }).toEqual({ seed, writes: [] });
});

async function total(registry: ReturnType<typeof createManager>['registry'], name: string): Promise<number> {
  const { values } = (await registry.getSingleMetric(name)?.get()) ?? { values: [] };
  return values.reduce((sum, { value }) => sum + value, 0);
}

/** mulberry32: small, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
