import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Client } from './client.ts';
import { fakeClock, type Clock, type FakeClock } from './clock.ts';
import { ApiError } from './errors.ts';
import { createLeaderElection, type LeaderElection } from './leader.ts';
import type { Lease } from './known-resources.ts';

const LEASE = { namespace: 'n', name: 'l' };
const HOUR = 3_600_000;

const refusal = (status: number, reason: string) => new ApiError(reason, { status, reason });
const settle = async () => {
  for (let i = 0; i < 4; i++) await new Promise(setImmediate);
};

/** An API server with one lease, and a network that may do what networks do. */
function fakeServer(clock: FakeClock) {
  let stored: Lease | undefined;
  let version = 0;
  const save = (lease: Lease): Lease =>
    (stored = { ...lease, metadata: { ...lease.metadata, resourceVersion: String(++version) } });
  const handle = {
    get: () => stored,
    create(lease: Lease) {
      if (stored) throw refusal(409, 'AlreadyExists');
      return save(lease);
    },
    update(lease: Lease) {
      if (!stored) throw refusal(404, 'NotFound');
      if (stored.metadata.resourceVersion !== lease.metadata.resourceVersion) throw refusal(409, 'Conflict');
      return save(lease);
    },
  };

  /** `trouble` decides over each request: how long it takes there and back, and what gets lost. */
  function clientOf(trouble: () => { thereMs: number; backMs: number; lost?: 'request' | 'answer' }) {
    const call = <A extends unknown[], R>(method: (...args: A) => R) =>
      async (args: A, signal?: AbortSignal): Promise<R> => {
        const { thereMs, backMs, lost } = trouble();
        const answer = Promise.withResolvers<R>();
        signal?.addEventListener('abort', () => answer.reject(signal.reason as Error));
        if (signal?.aborted) throw signal.reason;
        if (lost !== 'request') {
          clock.setTimeout(() => {
            // A request that left arrives, whether or not anybody still waits for the answer.
            let outcome: () => void;
            try {
              const result = structuredClone(method(...args));
              outcome = () => answer.resolve(result);
            } catch (error) {
              outcome = () => answer.reject(error as Error);
            }
            if (lost !== 'answer') clock.setTimeout(outcome, backMs);
          }, thereMs);
        }
        return answer.promise;
      }; // prettier-ignore
    const [get, create, update] = [call(handle.get), call(handle.create), call(handle.update)];
    type Options = { signal?: AbortSignal };
    return {
      get: (_: unknown, _key: unknown, { signal }: Options) => get([], signal),
      create: (_: unknown, lease: Lease, { signal }: Options) => create([structuredClone(lease)], signal),
      update: (_: unknown, lease: Lease, { signal }: Options) => update([structuredClone(lease)], signal),
    } as unknown as Client;
  }
  return { clientOf, lease: () => stored, save, forget: () => (stored = undefined) };
}

/** The same flow of time, at another time of day. */
const skewed = (clock: FakeClock, ms: number): Clock => ({
  ...clock,
  now: () => new Date(clock.now().getTime() + ms),
});

function setup() {
  const clock = fakeClock(new Date('2030-01-01T00:00:00.000Z'));
  const server = fakeServer(clock);
  const stop = new AbortController();
  const network = { down: new Set<string>() };
  const join = (identity: string, ownClock: Clock = clock) => {
    const client = server.clientOf(() => ({
      thereMs: 1,
      backMs: 1,
      lost: network.down.has(identity) ? 'request' : undefined,
    }));
    const election = createLeaderElection({ client, lease: LEASE, identity, clock: ownClock, random: () => 0 });
    const log: string[] = [];
    const run = async () => {
      if (!(await election.acquire(stop.signal))) return;
      log.push('leads');
      await election.renew(stop.signal).catch((error: Error) => void log.push(error.message));
    };
    return { election, log, running: run(), isOpen: () => election.fence.closed() === undefined };
  };
  const pass = async (ms: number, stepMs = 100) => {
    for (let passed = 0; passed < ms; passed += stepMs) {
      await settle();
      clock.advance(stepMs);
    }
    await settle();
  };
  return { clock, server, network, join, pass, stop };
}

describe('a leader', () => {
  test('writes a lease as client-go does, and renews it', async () => {
    const t = setup();
    t.join('a');
    await t.pass(1_000);
    expect(t.server.lease()?.spec).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2030-01-01T00:00:00.100000Z',
      renewTime: '2030-01-01T00:00:00.100000Z',
      leaseTransitions: 0,
    });
    await t.pass(60_000);
    expect(t.server.lease()?.spec).toMatchObject({ acquireTime: '2030-01-01T00:00:00.100000Z', leaseTransitions: 0 });
    expect(Date.parse(t.server.lease()?.spec?.renewTime ?? '')).toBeGreaterThan(t.clock.now().getTime() - 2_500);
    expect(t.server.lease()?.spec?.renewTime).toMatch(/\.\d{6}Z$/);
  });

  test('whose renewals fail stops at the deadline, before anybody else may start', async () => {
    const t = setup();
    const a = t.join('a');
    await t.pass(5_000);
    t.join('b');
    t.network.down.add('a');
    const lastRenewal = Date.parse(t.server.lease()?.spec?.renewTime ?? '');
    await t.pass(lastRenewal + 9_900 - t.clock.now().getTime(), 10);
    expect(a.isOpen()).toBe(true);
    await t.pass(200, 10);
    expect(a.isOpen()).toBe(false);
    expect(a.log).toEqual(['leads', 'the lease was not renewed for 10 s']);
    expect(t.server.lease()?.spec?.holderIdentity).toBe('a');
    await t.pass(10_000);
    expect(t.server.lease()?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });

  test.each([
    ['both clocks', { elapsed: 10_000, time: 10_000 }],
    ['the time of day only, as when a virtual machine was paused', { elapsed: 0, time: 10_000 }],
    ['the steady clock only, as when the time of day was set back meanwhile', { elapsed: 10_000, time: 0 }],
  ])('that stood still may not write, though no timer has run yet: seen by %s', async (_, jump) => {
    const t = setup();
    const leap = { elapsed: 0, time: 0 };
    const a = t.join('a', {
      ...t.clock,
      elapsed: () => t.clock.elapsed() + leap.elapsed,
      now: () => new Date(t.clock.now().getTime() + leap.time),
    });
    await t.pass(1_000);
    expect(a.isOpen()).toBe(true);
    Object.assign(leap, jump);
    expect(a.isOpen()).toBe(false);
    expect(a.election.fence.signal.aborted).toBe(true);
  });

  test('steps down when the lease is in other hands', async () => {
    const t = setup();
    const a = t.join('a');
    await t.pass(1_000);
    const lease = t.server.lease()!;
    t.server.save({ ...lease, spec: { ...lease.spec, holderIdentity: 'thief' } });
    await t.pass(3_000);
    expect(a.log).toEqual(['leads', 'thief took the lease']);
    expect(a.isOpen()).toBe(false);
  });

  test('makes the lease again when somebody deleted it', async () => {
    const t = setup();
    const a = t.join('a');
    await t.pass(1_000);
    t.server.forget();
    await t.pass(3_000);
    expect(t.server.lease()?.spec?.holderIdentity).toBe('a');
    expect(a.log).toEqual(['leads']);
  });

  test('that gives the lease back writes nothing more, and the next one does not wait for it to expire', async () => {
    const t = setup();
    const a = t.join('a');
    await t.pass(1_000);
    const b = t.join('b');
    await t.pass(3_000);
    const released = a.election.release();
    expect(a.isOpen()).toBe(false);
    await t.pass(2_500);
    await released;
    expect(b.isOpen()).toBe(true);
    expect(t.server.lease()?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
  });
});

describe('a candidate', () => {
  test.each([
    ['hours ahead of', 5 * HOUR],
    ['hours behind', -5 * HOUR],
  ])('waits out the lease by its own watch, though its time of day is %s the leader', async (_, offset) => {
    const t = setup();
    t.join('a');
    await t.pass(1_000);
    const b = t.join('b', skewed(t.clock, offset));
    await t.pass(60_000);
    expect(b.isOpen()).toBe(false);
    t.network.down.add('a');
    await t.pass(14_000);
    expect(b.isOpen()).toBe(false);
    await t.pass(5_000);
    expect(b.isOpen()).toBe(true);
  });

  test('counts from when it first saw the lease, however old that is', async () => {
    const t = setup();
    t.server.save({
      metadata: LEASE,
      spec: { holderIdentity: 'dead', leaseDurationSeconds: 15, renewTime: '1999-01-01T00:00:00.000000Z' },
    });
    const b = t.join('b');
    await t.pass(14_000);
    expect(b.isOpen()).toBe(false);
    await t.pass(4_000);
    expect(b.isOpen()).toBe(true);
  });

  test('that comes back under the name of the holder goes on at once: its former life is over', async () => {
    const t = setup();
    t.server.save({ metadata: LEASE, spec: { holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 3 } });
    const again = t.join('a');
    await t.pass(1_000);
    expect(again.isOpen()).toBe(true);
    expect(t.server.lease()?.spec).toMatchObject({ holderIdentity: 'a', leaseTransitions: 3 });
  });

  test('gives up when told to', async () => {
    const t = setup();
    t.join('a');
    await t.pass(1_000);
    const b = t.join('b');
    t.stop.abort();
    await t.pass(1_000);
    await b.running;
    expect(b.log).toEqual([]);
  });
});

test('a timing without a margin is refused', () => {
  const { clock, server } = setup();
  const client = server.clientOf(() => ({ thereMs: 0, backMs: 0 }));
  for (const timing of [{ durationMs: 10_000 }, { renewDeadlineMs: 2_000 }]) {
    expect(() => createLeaderElection({ client, lease: LEASE, timing, clock })).toThrow('must last longer');
  }
});

test('whatever gets lost or is slow, there are never two whose fence is open, and in the end there is one', async () => {
  const outage = fc.record({
    from: fc.integer({ min: 0, max: 120_000 }),
    ms: fc.integer({ min: 1_000, max: 30_000 }),
    lost: fc.constantFrom('request' as const, 'answer' as const),
  });
  const process = fc.record({
    outages: fc.array(outage, { maxLength: 4 }),
    delays: fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 1, maxLength: 7 }),
    offset: fc.integer({ min: -HOUR, max: HOUR }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(process, { minLength: 2, maxLength: 3 }), async (processes) => {
      const clock = fakeClock();
      const server = fakeServer(clock);
      const stop = new AbortController();
      const alive = new Set<LeaderElection>();
      /** A process that is started again when it has lost the lease. */
      async function live(id: string, { outages, delays, offset }: (typeof processes)[number]) {
        let requests = 0;
        const delay = () => (clock.elapsed() < 150_000 ? (delays[requests++ % delays.length] ?? 0) : 0);
        const client = server.clientOf(() => {
          const outage = outages.find(({ from, ms }) => clock.elapsed() >= from && clock.elapsed() < from + ms);
          return { thereMs: delay(), backMs: delay(), lost: outage?.lost };
        });
        for (let life = 0; !stop.signal.aborted; life++) {
          const identity = `${id}-${life}`;
          const election = createLeaderElection({ client, lease: LEASE, identity, clock: skewed(clock, offset) });
          alive.add(election);
          if (await election.acquire(stop.signal)) await election.renew(stop.signal).catch(() => {});
          alive.delete(election);
        }
      }
      const lives = processes.map((process, i) => live(`p${i}`, process));
      const leaders = () => [...alive].filter(({ fence }) => fence.closed() === undefined).map((e) => e.identity);
      const pass = async (ms: number) => {
        for (
          const end = clock.elapsed() + ms;
          clock.elapsed() < end;
          clock.advance(Math.min(200, clock.nextIn() ?? 200))
        ) {
          await new Promise(setImmediate);
          expect(leaders().length).toBeLessThanOrEqual(1);
        }
      };
      await pass(200_000);
      expect(leaders().length).toBe(1);
      stop.abort();
      await pass(20_000);
      await Promise.all(lives);
    }),
    { numRuns: 40 },
  );
}, 60_000);
