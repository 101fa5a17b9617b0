import { readFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, jest, test } from '@jest/globals';
import { startControlPlane, type ControlPlane } from '../../hack/testing/control-plane.ts';
import { createClient, type Client } from './client.ts';
import { requeueAfter } from './controller.ts';
import { FencedError } from './fence.ts';
import { ConfigMaps, Leases, Namespaces } from './known-resources.ts';
import type { LeaseTiming } from './leader.ts';
import { silentLogger } from './log.ts';
import { createManager, type Manager } from './manager.ts';
import { eventually } from './testing/eventually.ts';
import { startFaultProxy, type Fault, type FaultProxy } from './testing/fault-proxy.ts';

jest.setTimeout(60_000);

const SHORT: LeaseTiming = { durationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 300 };

let controlPlane: ControlPlane;
let user: Client;
let namespace: string;
let namespaces = 0;
const writers: Writer[] = [];

beforeAll(async () => {
  controlPlane = await startControlPlane({ audit: true });
  user = createClient({ kubeconfig: { path: controlPlane.kubeconfig }, userAgent: 'somebody' });
}, 120_000);

afterAll(async () => {
  await user.close();
  await controlPlane.stop();
});

beforeEach(async () => {
  namespace = `test-${++namespaces}`;
  await user.create(Namespaces, { metadata: { name: namespace } });
  await user.create(ConfigMaps, { metadata: { name: 'written', namespace, labels: { write: 'me' } } });
});

afterEach(async () => {
  for (const writer of writers.splice(0)) await writer.end();
});

interface Writer {
  id: string;
  manager: Manager;
  proxy: FaultProxy;
  /** Ends the way SIGTERM does. */
  stop(): Promise<void>;
  /** What `run` threw, once it has ended. */
  failure(): Promise<unknown>;
  end(): Promise<void>;
}

/** A process that writes without end, as fast as it may, on a network of its own. */
async function startWriter(name: string, timing?: LeaseTiming): Promise<Writer> {
  const id = `${name}-${namespace}`;
  const proxy = await startFaultProxy(controlPlane.kubeconfig);
  const client = createClient({ kubeconfig: { path: proxy.kubeconfig }, userAgent: id });
  const manager = createManager({
    client,
    log: silentLogger,
    name: id,
    http: { port: 0, host: '127.0.0.1' },
    leaderElection: { lease: { namespace, name: 'writer' }, identity: id, timing },
    namespaces: [namespace],
  });
  const maps = manager.informer(ConfigMaps, { labelSelector: 'write=me' });
  let count = 0;
  manager.controller({
    name: 'write',
    for: maps,
    async reconcile(key) {
      // Without the signal on purpose: the fence has to hold even for those who forget it.
      await client.mergePatch(ConfigMaps, key, { data: { by: id, count: String(count++) } });
      return requeueAfter(5);
    },
  });
  const stop = new AbortController();
  const ended = manager.run(stop.signal).catch((error: unknown) => error);
  const writer: Writer = {
    id,
    manager,
    proxy,
    async stop() {
      stop.abort();
      await ended;
    },
    failure: () => ended,
    async end() {
      proxy.heal();
      proxy.restore();
      await this.stop();
      await client.close();
      await proxy.close();
    },
  };
  writers.push(writer);
  return writer;
}

const writtenBy = async () => (await user.get(ConfigMaps, { namespace, name: 'written' }))?.data?.by;
const writes = (writer: Writer) =>
  eventually(`${writer.id} writes`, async () => (await writtenBy()) === writer.id, 25_000);
const gauge = async (writer: Writer) => {
  const text = await (await fetch(`http://127.0.0.1:${writer.manager.port}/metrics`)).text();
  return /^leader_election_master_status\{name="writer"\} (\d)$/m.exec(text)?.[1];
};

/** When the API server received a writer's first and answered its last change of the ConfigMap, in ms. */
async function span(writer: Writer): Promise<{ first: number; last: number; count: number }> {
  // What follows the last line break is being written.
  const lines = (await readFile(controlPlane.auditLogPath ?? '', 'utf8')).split('\n').slice(0, -1);
  const entries = lines
    .filter((line) => line.includes(`"userAgent":"${writer.id}"`) && line.includes('"resource":"configmaps"'))
    .map((line) => JSON.parse(line) as { verb: string; requestReceivedTimestamp: string; stageTimestamp: string })
    .filter(({ verb }) => verb === 'patch');
  const times = (field: 'requestReceivedTimestamp' | 'stageTimestamp') => entries.map((e) => Date.parse(e[field]));
  return {
    first: Math.min(...times('requestReceivedTimestamp')),
    last: Math.max(...times('stageTimestamp')),
    count: entries.length,
  };
}

test('one of two writes; when it stops the other one acts at once, long before the lease would have expired', async () => {
  const a = await startWriter('a');
  await writes(a);
  const b = await startWriter('b');
  await eventually('b stands by, ready', () => b.manager.isReady());
  expect([await gauge(a), await gauge(b)]).toEqual(['1', '0']);
  expect((await user.get(Leases, { namespace, name: 'writer' }))?.spec).toMatchObject({
    holderIdentity: a.id,
    leaseDurationSeconds: 15,
    renewTime: expect.stringMatching(/\.\d{6}Z$/),
  });
  const before = performance.now();
  await a.stop();
  expect(await a.failure()).toBeUndefined();
  await writes(b);
  expect(performance.now() - before).toBeLessThan(8_000);
  expect((await span(a)).last).toBeLessThan((await span(b)).first);
});

test('the other one acts within 20 s of the leader being cut off, as by kill -9, with the lease times of production', async () => {
  const a = await startWriter('a');
  await writes(a);
  const b = await startWriter('b');
  await eventually('b stands by', () => b.manager.isReady());
  a.proxy.cut();
  const before = performance.now();
  await writes(b);
  expect(performance.now() - before).toBeLessThan(20_000);
  expect(await a.failure()).toBeInstanceOf(FencedError);
  expect((await span(a)).last).toBeLessThan((await span(b)).first);
});

const faults: Record<string, Fault> = {
  'are answered with 500': { kind: 'answer', status: 500 },
  'are refused as too many': { kind: 'answer', status: 429, retryAfterSeconds: 1 },
  'are never answered': { kind: 'silence' },
  'end in a broken connection': { kind: 'hang up', when: 'before' },
};
test.each(Object.entries(faults))(
  'a leader whose renewals %s writes until its deadline, and has stopped before the other one starts',
  async (_, fault) => {
    const a = await startWriter('a', SHORT);
    await writes(a);
    const b = await startWriter('b', SHORT);
    await eventually('b stands by', () => b.manager.isReady());
    a.proxy.inject(({ resource }) => (resource === 'leases' ? fault : undefined));
    const failing = Date.now();
    expect(await a.failure()).toBeInstanceOf(FencedError);
    await writes(b);
    const [ofA, ofB] = [await span(a), await span(b)];
    expect(ofA.last).toBeGreaterThan(failing);
    expect(ofA.last).toBeLessThan(ofB.first);
  },
);

test('writes under way when the lease runs out are cut off, so that none arrives after the next leader has begun', async () => {
  const a = await startWriter('a', SHORT);
  await writes(a);
  const b = await startWriter('b', SHORT);
  await eventually('b stands by', () => b.manager.isReady());
  a.proxy.inject(({ method, resource }) => {
    if (resource === 'leases') return { kind: 'silence' };
    return method === 'PATCH' ? { kind: 'delay', ms: 1_900 } : undefined;
  });
  expect(await a.failure()).toBeInstanceOf(FencedError);
  await writes(b);
  await eventually('no write of a is on its way', () => a.proxy.delaying() === 0);
  expect((await span(a)).last).toBeLessThan((await span(b)).first);
});

test('a leader that finds the lease in other hands stops at once', async () => {
  const a = await startWriter('a');
  await writes(a);
  await eventually('the theft, against renewals that come between', async () => {
    const lease = await user.get(Leases, { namespace, name: 'writer' });
    const stolen = { ...lease!, spec: { ...lease!.spec, holderIdentity: 'thief' } };
    return user.update(Leases, stolen).catch(() => undefined);
  });
  expect(await a.failure()).toMatchObject({ name: 'FencedError', message: 'thief took the lease' });
});
