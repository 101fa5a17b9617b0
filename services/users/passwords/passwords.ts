import { availableParallelism } from 'node:os';
import { Gauge, Histogram, type Registry } from 'prom-client';
import { COST, type Cost, hashPassword, needsRehash, verifyPassword } from './argon2id.ts';
import { hashingQueue } from './hashing-queue.ts';

export type Verdict = 'wrong' | 'right' | 'right, and to be hashed anew';

export interface Passwords {
  hash(password: string, signal?: AbortSignal): Promise<string>;
  /** Takes as long without a stored hash as with one: time does not tell whether there is an account. */
  verify(password: string, stored: string | undefined, signal?: AbortSignal): Promise<Verdict>;
}

/** libuv's pool has four threads; one stays for what else needs it, such as looking up addresses. */
const AT_ONCE = Math.max(1, Math.min(3, availableParallelism()));
/** About a second of work: whoever would wait for longer is told to come again. */
const AT_MOST_WAITING = 40 * AT_ONCE;

export function createPasswords(metrics: Registry, cost: Cost = COST): Passwords {
  const queue = hashingQueue({ atOnce: AT_ONCE, atMostWaiting: AT_MOST_WAITING });
  const duration = new Histogram({
    name: 'password_hash_duration_seconds',
    help: 'Time that hashing a password takes, without its wait.',
    buckets: [0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64],
    registers: [metrics],
  });
  new Gauge({
    name: 'password_hash_queue',
    help: 'Passwords that wait to be hashed.',
    registers: [metrics],
    collect() {
      this.set(queue.waiting());
    },
  });
  const timed = <T>(work: () => Promise<T>, signal: AbortSignal | undefined) =>
    queue.run(async () => {
      const end = duration.startTimer();
      const result = await work();
      end();
      return result;
    }, signal);

  let nobodys: Promise<string> | undefined;
  const hashOfNobody = () => (nobodys ??= hashPassword('nobody', cost));
  return {
    hash: (password, signal) => timed(() => hashPassword(password, cost), signal),
    async verify(password, stored, signal) {
      const isThere = stored !== undefined && stored !== '';
      const hash = isThere ? stored : await hashOfNobody();
      const matches = await timed(() => verifyPassword(password, hash), signal);
      if (!isThere || !matches) return 'wrong';
      return needsRehash(hash, cost) ? 'right, and to be hashed anew' : 'right';
    },
  };
}
