import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Db } from 'mongodb';
import type { Log } from '../../runtime/log.ts';
import { codeOf, JobError, messageOf } from '../failures.ts';
import { MONGO } from '../mongo.ts';

/** How long a killed holder keeps others waiting. */
const LEASE_MS = 10_000;
const RENEW_EVERY_MS = 2_500;
/** A holder stops this long before others may take over: what it sent last has its own way to go, and to end. */
const MARGIN_MS = 1_000;
/** With less than this left, a step would have next to no time: the lease is renewed first. */
const ENOUGH_MS = LEASE_MS - RENEW_EVERY_MS - MARGIN_MS;
const POLL_MS = 250;
const SAY_WHO_EVERY_MS = 2_000;
const GIVE_UP_AFTER_MS = 15 * 60_000;
export const LOCKS = 'orderplane_locks';
const MIGRATIONS = 'migrations';

interface LeaseDocument {
  /** `<lock>/<token>`: of all who try to be the next holder, the unique `_id` lets one in. Nothing else here must be atomic. */
  _id: string;
  lock: string;
  token: number;
  /** For whoever waits. */
  holder: string;
  /** Of this very attempt: two runs may have the same name. */
  nonce: string;
  acquiredAt: Date;
  expiresAt: Date;
}

interface LeaseOptions {
  /** What it is for, in words for whoever waits; migrations, if left out. */
  lock?: string;
  holder: string;
  signal: AbortSignal;
  log: Log;
}

export interface Lease {
  /** Grows by one with every holder: the ledger takes no write of an older one. */
  readonly token: number;
  /**
   * For how many milliseconds nobody else can hold the lease, whatever becomes of this process; renewed first when that is not much.
   * Throws `LockLost` when it is not ours any more.
   */
  left(): Promise<number>;
}

/**
 * Runs `work` while a lease is ours, renewed beside it; ends with `LockLost` when it is lost, whatever `work` then waits for.
 *
 * A lease ends by the clock, and its holder may be frozen between looking at the clock and writing. So each command is given `left()` as
 * its `timeoutMS`: the driver looks at that once more in the turn in which it writes to the socket, and tells the server what is left of it
 * as `maxTimeMS`. What would be late is not sent, and what was sent has ended before others begin.
 */
export async function withLease<T>(db: Db, options: LeaseOptions, work: (lease: Lease) => Promise<T>): Promise<T> {
  const clock = await serverClock(db);
  const locks = db.collection<LeaseDocument>(LOCKS);
  const lock = options.lock ?? MIGRATIONS;
  const { token, expiresAt } = await acquire(db, clock, { ...options, lock });
  const own = { _id: idOf(lock, token) };
  let validUntil = expiresAt - MARGIN_MS;
  const leftNow = (): number => Math.floor(validUntil - clock());

  let away: JobError | undefined;
  let renewing: Promise<void> | undefined;
  const loss = (): JobError => away ?? lockLost(lock);
  const renewOnce = async (): Promise<void> => {
    const timeoutMS = leftNow();
    if (timeoutMS <= 0) throw loss();
    const expiresAt = clock() + LEASE_MS;
    try {
      // $max: one whose answer was lost may come after a later one.
      const renewed = await locks.updateOne(own, { $max: { expiresAt: new Date(expiresAt) } }, { timeoutMS });
      away =
        renewed.matchedCount === 1 && (await newest(db, lock, timeoutMS))?.token === token ? undefined : lockLost(lock);
    } catch (error) {
      away = new JobError('Unreachable', `MongoDB went away: ${messageOf(error)}`, { cause: error });
    }
    if (away) throw away;
    validUntil = expiresAt - MARGIN_MS;
  };
  const renew = (): Promise<void> => {
    renewing ??= renewOnce().finally(() => (renewing = undefined));
    return renewing;
  };
  const left = async (): Promise<number> => {
    if (leftNow() < ENOUGH_MS) await renew();
    const ms = leftNow();
    if (ms <= 0) throw loss();
    return ms;
  };
  const lost = Promise.withResolvers<never>();
  const renewal = setInterval(() => {
    // While the server is away it is tried again, until nothing is left.
    renew().catch((error: JobError) => {
      if (error.reason === 'LockLost' || leftNow() <= 0) lost.reject(error);
    });
  }, RENEW_EVERY_MS);
  try {
    return await Promise.race([work({ token, left }), lost.promise]);
  } finally {
    clearInterval(renewal);
    await renewing?.catch(() => {});
    const timeoutMS = leftNow();
    if (timeoutMS > 0) await locks.updateOne(own, { $set: { expiresAt: new Date(0) } }, { timeoutMS }).catch(() => {});
  }
}

async function acquire(
  db: Db,
  clock: () => number,
  { lock, holder, signal, log }: LeaseOptions & { lock: string },
): Promise<{ token: number; expiresAt: number }> {
  const startedAt = performance.now();
  for (let toldAt = -Infinity; ; await delay(POLL_MS, undefined, { signal })) {
    const current = await newest(db, lock);
    if (!current || current.expiresAt.getTime() <= clock()) {
      const next = { token: (current?.token ?? 0) + 1, expiresAt: clock() + LEASE_MS };
      if (await take(db, { ...next, lock }, holder)) return next;
      continue;
    }
    const now = performance.now();
    if (now - startedAt > GIVE_UP_AFTER_MS) {
      const minutes = GIVE_UP_AFTER_MS / 60_000;
      throw new JobError(
        'LockTimeout',
        `the lock for ${lock} is still held by ${current.holder} after ${minutes} minutes`,
      );
    }
    if (now - toldAt < SAY_WHO_EVERY_MS) continue;
    log.info({ lockHolder: current.holder }, `waiting for ${current.holder}, which holds the lock for ${lock}`);
    toldAt = now;
  }
}

async function take(
  db: Db,
  next: { lock: string; token: number; expiresAt: number },
  holder: string,
): Promise<boolean> {
  const locks = db.collection<LeaseDocument>(LOCKS);
  const nonce = randomUUID();
  const own = { _id: idOf(next.lock, next.token), nonce };
  const expiresAt = new Date(next.expiresAt);
  try {
    await locks.insertOne({
      ...own,
      lock: next.lock,
      token: next.token,
      holder,
      acquiredAt: new Date(next.expiresAt - LEASE_MS),
      expiresAt,
    });
  } catch (error) {
    if (codeOf(error) === MONGO.duplicateKey) return false;
    // It may be in, with only the answer lost: this run would wait for itself.
    await locks.deleteOne(own).catch(() => {});
    throw error;
  }
  // Who was slow between looking and inserting may have taken a number that others have long been past.
  if ((await newest(db, next.lock))?.token !== next.token) {
    await locks.deleteOne(own);
    return false;
  }
  await locks.deleteMany({ lock: next.lock, token: { $lt: next.token } });
  return true;
}

function newest(db: Db, lock: string, timeoutMS?: number): Promise<LeaseDocument | null> {
  return db
    .collection<LeaseDocument>(LOCKS)
    .findOne({ lock }, { sort: { token: -1 }, ...(timeoutMS && { timeoutMS }) });
}

/** Who holds the lease for migrations at this moment, in words; undefined for nobody. */
export async function leaseHolder(db: Db): Promise<string | undefined> {
  const [clock, current] = [await serverClock(db), await newest(db, MIGRATIONS)];
  return current && current.expiresAt.getTime() > clock() ? current.holder : undefined;
}

const idOf = (lock: string, token: number): string => `${lock}/${token}`;

function lockLost(lock: string): JobError {
  return new JobError(
    'LockLost',
    `the lease for ${lock} was lost: this run was held up for longer than it lasts; it is safe to run again`,
  );
}

/** The server's time in milliseconds from here on: machines' clocks differ and jump, and a lease must end for all at once. */
async function serverClock(db: Db): Promise<() => number> {
  for (let attempt = 1; ; attempt++) {
    const askedAt = performance.now();
    const { localTime } = (await db.command({ hello: 1 })) as { localTime?: Date };
    const answeredAt = performance.now();
    if (!localTime) throw new JobError('Failed', 'MongoDB does not tell its time (hello.localTime)');
    const offset = localTime.getTime() - (askedAt + answeredAt) / 2;
    if (answeredAt - askedAt < MARGIN_MS) return () => performance.now() + offset;
    if (attempt === 10) throw new JobError('Unreachable', 'MongoDB takes longer than a second to say hello');
  }
}
