import { afterAll, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { startControlPlane, type ControlPlane } from '../../hack/testing/control-plane.ts';
import { applyIfChanged } from './apply.ts';
import { createClient, type Client } from './client.ts';
import { done, type Reconcile } from './controller.ts';
import { addFinalizer, isDeleting, removeFinalizer } from './finalizer.ts';
import { ConfigMaps, Events, Namespaces, Secrets } from './known-resources.ts';
import { silentLogger } from './log.ts';
import { createManager, type Manager } from './manager.ts';
import { controllerOf, controllerReference } from './owner.ts';
import { eventually } from './testing/eventually.ts';

jest.setTimeout(30_000);

const FINALIZER = 'test.example/finalizer';

let controlPlane: ControlPlane;
let user: Client;
let namespace: string;

beforeAll(async () => {
  controlPlane = await startControlPlane();
  user = createClient({ kubeconfig: { path: controlPlane.kubeconfig }, fieldManager: 'somebody' });
}, 120_000);

afterAll(async () => {
  await user.close();
  await controlPlane.stop();
});

beforeEach(async () => {
  namespace = `test-${Date.now()}`;
  await user.apply(Namespaces, { metadata: { name: namespace } });
});

/** A controller that keeps a Secret with a copy of each labelled ConfigMap. */
function copyController(manager: Manager, client: Client) {
  const originals = manager.informer(ConfigMaps, { labelSelector: 'copy=yes' });
  const copies = manager.informer(Secrets, { labelSelector: 'copied=yes' });
  let runs = 0;
  const reconcile: Reconcile = async (key, { signal }) => {
    runs++;
    const original = originals.get(key);
    if (!original) return done();
    const copyKey = { ...key, name: `${key.name}-copy` };
    if (isDeleting(original)) {
      await client.delete(Secrets, copyKey, { signal });
      await removeFinalizer(client, ConfigMaps, original, FINALIZER, { signal });
      return done();
    }
    const owner = await addFinalizer(client, ConfigMaps, original, FINALIZER, { signal });
    const desired = {
      metadata: { ...copyKey, labels: { copied: 'yes' }, ownerReferences: [controllerReference(ConfigMaps, owner)] },
      data: { value: Buffer.from(original.data?.value ?? '').toString('base64') },
    };
    const { action } = await applyIfChanged(client, Secrets, desired, copies.get(copyKey), { signal });
    if (action !== 'unchanged') manager.recorder.event(owner, { type: 'Normal', reason: 'Copied', message: action });
    return done();
  };
  manager.controller({ name: 'copy', for: originals, owns: [copies], reconcile, concurrency: 4 });
  return { originals, copies, runs: () => runs };
}

async function withManager<T>(
  options: { namespaces?: string[] },
  body: (
    running: ReturnType<typeof copyController> & { manager: Manager; client: Client; writes: string[] },
  ) => Promise<T>,
): Promise<T> {
  const client = createClient({ kubeconfig: { path: controlPlane.kubeconfig }, fieldManager: 'copier' });
  const manager = createManager({ client, log: silentLogger, http: { port: 0, host: '127.0.0.1' }, ...options });
  const writes: string[] = [];
  client.observe(({ method, code }) => void (method !== 'GET' && writes.push(`${method} ${code}`)));
  const controller = copyController(manager, client);
  const stop = new AbortController();
  const run = manager.run(stop.signal);
  try {
    await eventually('the manager to be ready', () => manager.isReady());
    return await body({ ...controller, manager, client, writes });
  } finally {
    stop.abort();
    await run;
    await client.close();
  }
}

const key = (name: string) => ({ namespace, name });
const original = (name: string, value: string) => ({
  metadata: { ...key(name), labels: { copy: 'yes' } },
  data: { value },
});
const copied = async (name: string) => {
  const secret = await user.get(Secrets, key(`${name}-copy`));
  return secret && Buffer.from(secret.data!.value!, 'base64').toString();
};

test('follows its objects, repairs what they own, cleans up after them, and says so', async () => {
  await user.apply(ConfigMaps, original('early', '1'));
  await withManager({}, async ({ manager }) => {
    await eventually('what was there before', async () => (await copied('early')) === '1');
    await user.apply(ConfigMaps, original('a', '1'));
    await eventually('the copy', async () => (await copied('a')) === '1');

    await user.apply(ConfigMaps, original('a', '2'));
    await eventually('the change', async () => (await copied('a')) === '2');

    await user.mergePatch(Secrets, key('a-copy'), { data: { value: 'ZHJpZnQ=' } });
    await eventually('the repair of an edit', async () => (await copied('a')) === '2');

    await user.delete(Secrets, key('a-copy'));
    await eventually('the repair of a deletion', async () => (await copied('a')) === '2');
    const owner = (await user.get(ConfigMaps, key('a')))!;
    expect(controllerOf((await user.get(Secrets, key('a-copy')))!)?.uid).toBe(owner.metadata.uid);

    await manager.recorder.flush();
    const { items: events } = await user.list(Events, { namespace, fieldSelector: `regarding.name=a` });
    expect(events.map((event) => `${event.reason} ${event.note}`)).toEqual(
      expect.arrayContaining(['Copied created', 'Copied updated']),
    );

    await user.delete(ConfigMaps, key('a'));
    await eventually('the end', async () => !(await user.get(ConfigMaps, key('a'))));
    expect(await copied('a')).toBeUndefined();
  });
});

test('a restart and a forced relist visit every object and write nothing', async () => {
  const names = Array.from({ length: 20 }, (_, i) => `c${i}`);
  await Promise.all(names.map((name) => user.apply(ConfigMaps, original(name, '1'))));
  await withManager({ namespaces: [namespace] }, async () => {
    for (const name of names) await eventually('the copies', () => copied(name));
  });
  await withManager({ namespaces: [namespace] }, async ({ originals, copies, runs, writes }) => {
    await eventually('a visit to each', () => runs() >= names.length);
    const before = runs();
    originals.forceRelist();
    copies.forceRelist();
    await eventually('another visit to each', () => runs() >= before + names.length);
    expect(writes).toEqual([]);
  });
});

test('is ready when its caches are, and exports what it does', async () => {
  await user.apply(ConfigMaps, original('a', '1'));
  await withManager({ namespaces: [namespace] }, async ({ manager, runs }) => {
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${manager.port}${path}`);
      return { status: response.status, text: await response.text() };
    };
    await eventually('a run', () => runs() > 0);
    expect((await get('/livez')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(200);
    expect((await get('/nothing')).status).toBe(404);
    const { text } = await get('/metrics');
    for (const line of [
      /^controller_runtime_reconcile_total\{controller="copy",result="success"\} \d+$/m,
      /^controller_runtime_reconcile_total\{controller="copy",result="error"\} 0$/m,
      /^controller_runtime_max_concurrent_reconciles\{controller="copy"\} 4$/m,
      /^controller_runtime_active_workers\{controller="copy"\} \d+$/m,
      /^workqueue_depth\{name="copy"\} \d+$/m,
      /^workqueue_longest_running_processor_seconds\{name="copy"\} /m,
      /^rest_client_requests_total\{code="200",method="GET",host="127\.0\.0\.1:\d+"\} \d+$/m,
      /^nodejs_eventloop_lag_p99_seconds /m,
    ]) {
      expect(text).toMatch(line);
    }
  });
});

test('is alive but not ready while a cache cannot be filled', async () => {
  const client = createClient({ kubeconfig: { path: controlPlane.kubeconfig } });
  const manager = createManager({ client, log: silentLogger, http: { port: 0, host: '127.0.0.1' } });
  manager.informer({ ...ConfigMaps, plural: 'nonesuch' });
  const stop = new AbortController();
  const run = manager.run(stop.signal);
  const port = await eventually('the port', () => manager.port);
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
  const readyz = await fetch(`http://127.0.0.1:${port}/readyz`);
  expect(readyz.status).toBe(503);
  expect(await readyz.text()).toContain('not ready: cache nonesuch.core');
  stop.abort();
  await run;
  await client.close();
});

test('does not look outside its namespaces', async () => {
  const other = `${namespace}-other`;
  await user.apply(Namespaces, { metadata: { name: other } });
  await user.apply(ConfigMaps, {
    ...original('a', '1'),
    metadata: { name: 'a', namespace: other, labels: { copy: 'yes' } },
  });
  await user.apply(ConfigMaps, original('b', '1'));
  await withManager({ namespaces: [namespace, `${namespace}-empty`] }, async ({ originals }) => {
    await eventually('the copy', () => copied('b'));
    expect(originals.list().map((object) => object.metadata.namespace)).toEqual([namespace]);
    expect(await user.get(Secrets, { namespace: other, name: 'a-copy' })).toBeUndefined();
  });
});
