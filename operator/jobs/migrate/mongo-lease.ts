import { setTimeout as delay } from 'node:timers/promises';
import type { Db } from 'mongodb';
import type { Log } from '../../runtime/log.ts';
import { codeOf, JobError } from '../failures.ts';
import { MONGO } from '../mongo.ts';

/** How long a killed holder keeps others waiting. */
const LEASE_MS = 12_000;
const RENEW_EVERY_MS = 3_000;
/** A holder gives up this long before others may take over: clocks are read at either end of a network. */
const MARGIN_MS = 1_000;
const POLL_MS = 500;
const SAY_WHO_EVERY_MS = 10_000;
const LOCKS = 'orderplane_locks';
const LOCK = 'migrations';

interface LeaseDocument {
  /** `<lock>/<token>`: of all who try to be the next holder, the unique `_id` lets one in. Nothing else here must be atomic. */
  _id: string;
  lock: string;
  token: number;
  holder: string;
  expiresAt: Date;
}

export interface Lease {
  /** Grows by one with every holder. */
  readonly token: number;
  /** Renews the lease, or throws `LockLost` when it is not ours any more. Called before every write. */
  assertHeld(): Promise<void>;
}

/** Runs `work` while a lease is ours, renewed beside it. Times are the server's. */
export async function withLease<T>(
  db: Db,
  options: { holder: string; signal: AbortSignal; log: Log },
  work: (lease: Lease) => Promise<T>,
): Promise<T> {
  const locks = db.collection<LeaseDocument>(LOCKS);
  const serverNow = await serverClock(db);
  const inMs = (ms: number): Date => new Date(serverNow() + ms);
  const newest = () => locks.findOne({ lock: LOCK }, { sort: { token: -1 } });

  const token = await acquire();
  const own = { _id: idOf(token) };
  const assertHeld = async (): Promise<void> => {
    const renewed = await locks.updateOne(
      { ...own, expiresAt: { $gt: inMs(MARGIN_MS) } },
      { $set: { expiresAt: inMs(LEASE_MS) } },
    );
    if (renewed.matchedCount === 1 && (await newest())?.token === token) return;
    throw new JobError('LockLost', 'the lease for migrations was lost to another run; it is safe to run again');
  };
  // A renewal that failed is found by the next assertHeld.
  const timer = setInterval(() => void assertHeld().catch(() => {}), RENEW_EVERY_MS);
  try {
    return await work({ token, assertHeld });
  } finally {
    clearInterval(timer);
    await locks.updateOne(own, { $set: { expiresAt: new Date(0) } }).catch(() => {});
  }

  async function acquire(): Promise<number> {
    for (let toldAt = -Infinity; ; await delay(POLL_MS, undefined, { signal: options.signal })) {
      const current = await newest();
      if (!current || current.expiresAt.getTime() <= serverNow()) {
        const next = (current?.token ?? 0) + 1;
        if (await take(next)) return next;
      } else if (Date.now() - toldAt >= SAY_WHO_EVERY_MS) {
        options.log.info(
          { lockHolder: current.holder },
          `waiting for ${current.holder}, which holds the lock for migrations`,
        );
        toldAt = Date.now();
      }
    }
  }

  async function take(next: number): Promise<boolean> {
    try {
      await locks.insertOne({
        _id: idOf(next),
        lock: LOCK,
        token: next,
        holder: options.holder,
        expiresAt: inMs(LEASE_MS),
      });
    } catch (error) {
      if (codeOf(error) === MONGO.duplicateKey) return false;
      throw error;
    }
    // Who was slow between looking and inserting may have taken a number that others have long been past.
    if ((await newest())?.token !== next) {
      await locks.deleteOne({ _id: idOf(next) });
      return false;
    }
    await locks.deleteMany({ lock: LOCK, token: { $lt: next } });
    return true;
  }
}

/** Who has an unexpired lease. */
export async function leaseHolder(db: Db): Promise<string | undefined> {
  const serverNow = await serverClock(db);
  const newest = await db.collection<LeaseDocument>(LOCKS).findOne({ lock: LOCK }, { sort: { token: -1 } });
  return newest && newest.expiresAt.getTime() > serverNow() ? newest.holder : undefined;
}

const idOf = (token: number): string => `${LOCK}/${token}`;

/** The server's time from here on: machines' clocks differ, and a lease must end for all at once. */
async function serverClock(db: Db): Promise<() => number> {
  const askedAt = Date.now();
  const { localTime } = (await db.command({ hello: 1 })) as { localTime?: Date };
  const offset = (localTime?.getTime() ?? askedAt) - (askedAt + Date.now()) / 2;
  return () => Date.now() + offset;
}
