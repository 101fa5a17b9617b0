import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Client } from './client.ts';
import { realClock, sleep, toMicroTime, type Clock } from './clock.ts';
import { isAlreadyExists, isConflict, isNotFound, toError } from './errors.ts';
import { createDeadlineFence, type Fence } from './fence.ts';
import { Leases, type Lease } from './known-resources.ts';
import { silentLogger, type Log } from './log.ts';
import { keyToString, type ObjectKey } from './resource.ts';

export interface LeaseTiming {
  /** How long the others wait after the last sign of life. Default 15 s. */
  durationMs: number;
  /** How long the leader may write after its last renewal, counted from when it was sent. Default 10 s. */
  renewDeadlineMs: number;
  /** How often the leader renews and the others ask. Default 2 s. */
  retryPeriodMs: number;
}

const DEFAULT_TIMING: LeaseTiming = { durationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
/** Candidates ask at times that chance spreads. */
const RETRY_JITTER = 0.2;

export interface LeaderElectionOptions {
  /** Behind no fence, and on connections of its own: a renewal must not queue behind other requests. */
  client: Client;
  lease: ObjectKey;
  /** Unique among those that live; one that comes back under its name need not wait. Default: host name and a random part. */
  identity?: string;
  timing?: Partial<LeaseTiming>;
  clock?: Clock;
  random?: () => number;
  log?: Log;
}

/** One process's part in the election of a leader by a coordination.k8s.io/v1 Lease; others may use client-go. */
export interface LeaderElection {
  readonly identity: string;
  /** Open from winning the lease until it is lost, given back, or not renewed in time. */
  readonly fence: Fence;
  /** Waits for the lease; false when the signal aborted first. Never throws: what fails is tried again. */
  acquire(signal: AbortSignal): Promise<boolean>;
  /** Renews until the signal aborts. Rejects with FencedError when the lease is lost; by then the fence is closed. */
  renew(signal: AbortSignal): Promise<void>;
  /** Closes the fence, then gives the lease back, so that the next one need not wait for it to expire. Never throws. */
  release(): Promise<void>;
}

/**
 * Times are this process's own: when a lease expires is counted from when its last change was seen here, so clocks of
 * different machines need not agree. Throws when the timing leaves no margin between the old leader's last write and the
 * next one's first.
 */
export function createLeaderElection(options: LeaderElectionOptions): LeaderElection {
  const {
    client,
    lease,
    identity = `${hostname()}_${randomUUID()}`,
    clock = realClock,
    random = Math.random,
  } = options;
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  assertSafe(timing);
  const log = (options.log ?? silentLogger).child({ lease: keyToString(lease), identity });
  const fence = createDeadlineFence(clock, timing.renewDeadlineMs);
  const observation = createObservation(clock, timing.durationMs);
  /** The lease as we stored it last; undefined while we do not hold it, or do not know what became of it. */
  let held: Lease | undefined;

  async function ask<T>(send: (signal: AbortSignal) => Promise<T>, ...end: AbortSignal[]): Promise<T> {
    const late = new AbortController();
    const timeout = () => late.abort(new Error('the API server took too long to answer'));
    const cancel = clock.setTimeout(timeout, timing.renewDeadlineMs / 2);
    try {
      return await send(AbortSignal.any([late.signal, ...end]));
    } finally {
      cancel();
    }
  }

  /** Counts from before the request: others see the renewal later than that, whatever the network does. */
  async function claim(current: Lease | undefined): Promise<void> {
    const before = fence.moment();
    const desired = claimed(lease, current, { identity, durationMs: timing.durationMs, now: clock.now() });
    const write = current ? client.update : client.create;
    held = await ask((signal) => write(Leases, desired, { signal }), fence.signal);
    fence.extend(before);
  }

  /** Takes or keeps the lease; false when another one has it. Throws when somebody was faster, or nobody answered. */
  async function hold(): Promise<boolean> {
    try {
      if (held) {
        await claim(held);
        return true;
      }
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
      held = undefined; // Somebody changed it, or our own write arrived and its answer did not: look.
    }
    const current = await ask((signal) => client.get(Leases, lease, { signal }), fence.signal);
    if (current && observation.isHeldByOther(current, identity)) return false;
    await claim(current);
    return true;
  }

  return {
    identity,
    fence,
    async acquire(signal) {
      for (let asked = 0; !signal.aborted; asked++) {
        try {
          if (await hold()) {
            log.info('this process leads');
            return true;
          }
          if (asked === 0) log.info({ holder: observation.holder() }, 'another process leads: standing by');
        } catch (error) {
          const level = isConflict(error) || isAlreadyExists(error) ? 'debug' : 'warn';
          log[level]({ err: toError(error) }, 'the lease was not had: trying again');
        }
        await sleep(clock, timing.retryPeriodMs * (1 + RETRY_JITTER * random()), signal);
      }
      return false;
    },
    async renew(signal) {
      const end = AbortSignal.any([signal, fence.signal]);
      for (;;) {
        await sleep(clock, timing.retryPeriodMs, end);
        const reason = fence.closed();
        if (reason) throw reason;
        if (signal.aborted) return;
        try {
          if (!(await hold())) fence.close(`${observation.holder()} took the lease`);
        } catch (error) {
          if (!fence.signal.aborted) log.warn({ err: toError(error) }, 'the lease was not renewed: trying again');
        }
      }
    },
    async release() {
      const mine = fence.closed() === undefined ? held : undefined;
      fence.close('the lease was given back');
      if (!mine) return;
      await ask((signal) => client.update(Leases, vacated(mine, clock.now()), { signal })).catch((error: unknown) =>
        log.warn({ err: toError(error) }, 'the lease was not given back: the next leader waits for it to expire'),
      );
    },
  };
}

function assertSafe({ durationMs, renewDeadlineMs, retryPeriodMs }: LeaseTiming): void {
  if (durationMs > renewDeadlineMs && renewDeadlineMs > retryPeriodMs * (1 + RETRY_JITTER)) return;
  throw new Error(
    'a lease must last longer than its renew deadline, and that longer than the retry period with jitter',
  );
}

/** Remembers when the lease was seen to change, which is all that is needed to tell a dead holder from a live one. */
function createObservation(clock: Clock, defaultDurationMs: number) {
  let record = '';
  let holder = '';
  let seenAt = 0;
  return {
    holder: () => holder,
    isHeldByOther({ spec }: Lease, identity: string): boolean {
      const now = JSON.stringify(spec);
      if (now !== record) {
        record = now;
        seenAt = clock.elapsed();
      }
      holder = spec?.holderIdentity ?? '';
      const durationMs = spec?.leaseDurationSeconds ? spec.leaseDurationSeconds * 1000 : defaultDurationMs;
      return holder !== '' && holder !== identity && clock.elapsed() - seenAt < durationMs;
    },
  };
}

function claimed(
  key: ObjectKey,
  current: Lease | undefined,
  by: { identity: string; durationMs: number; now: Date },
): Lease {
  const { acquireTime, holderIdentity, leaseTransitions = 0 } = current?.spec ?? {};
  const isOurs = holderIdentity === by.identity;
  return {
    metadata: current?.metadata ?? key,
    spec: {
      holderIdentity: by.identity,
      leaseDurationSeconds: Math.ceil(by.durationMs / 1000),
      acquireTime: isOurs ? acquireTime : toMicroTime(by.now),
      renewTime: toMicroTime(by.now),
      leaseTransitions: current && !isOurs ? leaseTransitions + 1 : leaseTransitions,
    },
  };
}

/** No holder, and the shortest duration that the API server takes. */
function vacated(lease: Lease, now: Date): Lease {
  const { acquireTime, leaseTransitions } = lease.spec ?? {};
  return {
    metadata: lease.metadata,
    spec: { leaseDurationSeconds: 1, acquireTime, renewTime: toMicroTime(now), leaseTransitions },
  };
}
