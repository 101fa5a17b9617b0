import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { startControlPlane, type ControlPlane } from '../../hack/testing/control-plane.ts';
import { createClient, type Client } from './client.ts';
import { createInformer, type Informer, type InformerEvent } from './informer.ts';
import { ConfigMaps, Namespaces, type ConfigMap } from './known-resources.ts';
import type { ReflectorTuning } from './reflector.ts';
import { startCuttableProxy, type CuttableProxy } from './testing/cuttable-proxy.ts';
import { eventually } from './testing/eventually.ts';

jest.setTimeout(30_000);

let controlPlane: ControlPlane;
let direct: Client;
let proxy: CuttableProxy;
let throughProxy: Client;
let namespace: string;
let stop: AbortController;
let running: Promise<unknown>;

beforeAll(async () => {
  controlPlane = await startControlPlane();
  direct = createClient({ kubeconfig: { path: controlPlane.kubeconfig } });
}, 120_000);

afterAll(async () => {
  await direct.close();
  await controlPlane.stop();
});

beforeEach(async () => {
  const server = new URL(controlPlane.server);
  proxy = await startCuttableProxy(server);
  const path = `${controlPlane.kubeconfig}.proxy`;
  const text = await readFile(controlPlane.kubeconfig, 'utf8');
  await writeFile(path, text.replaceAll(controlPlane.server, `https://127.0.0.1:${proxy.port}`));
  throughProxy = createClient({ kubeconfig: { path } });
  namespace = `test-${Date.now()}`;
  await direct.apply(Namespaces, { metadata: { name: namespace } });
  stop = new AbortController();
});

afterEach(async () => {
  stop.abort();
  await running;
  await throughProxy.close();
  await proxy.close();
});

function watchConfigMaps(tuning: Partial<ReflectorTuning> = {}) {
  const events: InformerEvent<ConfigMap>[] = [];
  const informer = createInformer(ConfigMaps, {
    client: throughProxy,
    namespaces: [namespace],
    tuning: { backoff: { baseMs: 50, maxMs: 200, jitter: 0.5 }, ...tuning },
  });
  informer.addHandler((event) => events.push(event));
  running = informer.start(stop.signal);
  return { informer, events };
}

const put = (name: string, value: string) =>
  direct.apply(ConfigMaps, { metadata: { name, namespace }, data: { value } });
const remove = (name: string) => direct.delete(ConfigMaps, { namespace, name });
const contents = (informer: Informer<ConfigMap>) =>
  Object.fromEntries(
    informer
      .list({ namespace })
      .filter((o) => o.data?.value)
      .map((o) => [o.metadata.name, o.data!.value]),
  );

/** Waits until the cache holds exactly these. */
async function holds(informer: Informer<ConfigMap>, expected: Record<string, string>): Promise<void> {
  await eventually(
    'the cache to follow',
    () => JSON.stringify(sorted(contents(informer))) === JSON.stringify(sorted(expected)),
  );
}
const sorted = (map: Record<string, unknown>) => Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
const names = (events: InformerEvent<ConfigMap>[], type: string) =>
  events.filter((event) => event.type === type).map((event) => event.object.metadata.name);

test('lists in pages, follows changes, and hands out frozen objects without managedFields', async () => {
  for (let i = 0; i < 7; i++) await put(`c${i}`, 'old');
  const { informer } = watchConfigMaps({ pageSize: 3 });
  await informer.synced();
  await put('c0', 'new');
  await remove('c1');
  await holds(informer, { c0: 'new', c2: 'old', c3: 'old', c4: 'old', c5: 'old', c6: 'old' });
  const object = informer.get({ namespace, name: 'c0' })!;
  expect(object).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap' });
  expect(object.metadata).not.toHaveProperty('managedFields');
  expect(Object.isFrozen(object.data)).toBe(true);
});

test('catches up after connections were cut, without listing anew', async () => {
  await put('kept', '1');
  await put('deleted', '1');
  const { informer, events } = watchConfigMaps();
  await informer.synced();
  proxy.cut();
  await put('kept', '2');
  await remove('deleted');
  await put('added', '1');
  proxy.restore();
  await holds(informer, { kept: '2', added: '1' });
  expect(events.filter((event) => event.type === 'update' && event.resync)).toEqual([]);
  expect(names(events, 'delete')).toEqual(['deleted']);
});

test('notices a connection that fell silent', async () => {
  const { informer } = watchConfigMaps({ idleMs: 1_000 });
  await informer.synced();
  await put('a', '1');
  await holds(informer, { a: '1' });
  proxy.freeze();
  await put('b', '1');
  await holds(informer, { a: '1', b: '1' });
});

test('a forced relist reports every object again, and no change', async () => {
  await put('a', '1');
  const { informer, events } = watchConfigMaps();
  await informer.synced();
  const before = events.length;
  informer.forceRelist();
  await eventually('the relist', () => events.length > before);
  const after = events.slice(before);
  expect(after.every((event) => event.type === 'update' && event.resync)).toBe(true);
  expect(names(after, 'update')).toContain('a');
});

test('requests survive cuts: of hundreds of applies under way none is lost', async () => {
  let applied = 0;
  const work = Array.from({ length: 16 }, async (_, worker) => {
    for (let i = 0; i < 25; i++) {
      await throughProxy.apply(ConfigMaps, { metadata: { name: `w${worker}-${i}`, namespace }, data: { value: '1' } });
      applied++;
    }
  });
  for (let cut = 1; cut <= 3; cut++) {
    await eventually('some applies', () => applied >= cut * 80);
    proxy.cut();
    proxy.restore();
  }
  await Promise.all(work);
  const { items } = await direct.list(ConfigMaps, { namespace });
  expect(items.filter((object) => object.data?.value === '1').length).toBe(400);
});

// Restarts the API server, so it comes last.
test('lists anew when the server forgot the version, and tells of what was deleted meanwhile', async () => {
  await put('kept', '1');
  await put('untouched', '1');
  await put('deleted', '1');
  const { informer, events } = watchConfigMaps();
  await informer.synced();
  proxy.cut();
  await remove('deleted');
  await put('kept', '2');
  await controlPlane.restart();
  proxy.restore();
  await eventually('the deletion', () => names(events, 'delete').includes('deleted'), 60_000);
  await holds(informer, { kept: '2', untouched: '1' });
  const resynced = events.filter((event) => event.type === 'update' && event.resync);
  expect(resynced.map((event) => event.object.metadata.name)).toContain('untouched');
}, 90_000);
