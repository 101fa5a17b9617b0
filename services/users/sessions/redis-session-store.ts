import type { Redis } from '@orderplane/shared/redis.ts';
import { GRACE_MS, type SessionStore } from './session-store.ts';

/**
 * A login is a hash, and a sorted set of its exchanged tokens by the time at which they would have expired. Both go by themselves when the
 * login expires; within scripts the caller's clock decides, as everywhere else.
 */
export function redisSessionStore(redis: Redis): SessionStore {
  const run = <T>(script: string, sessionId: string, args: readonly (string | number)[]) =>
    redis.run((client) => client.eval(script, { keys: keysOf(sessionId), arguments: args.map(String) })) as Promise<T>;
  return {
    async open({ id, userId, passwordVersion, tokenHash, expiresAt }) {
      await run(OPEN, id, [userId, passwordVersion, tokenHash, expiresAt.getTime()]);
    },
    async find(sessionId, at) {
      const [session] = keysOf(sessionId);
      const fields = ['userId', 'passwordVersion', 'expiresAt'];
      const [userId, passwordVersion, expiresAt] = (await redis.run((client) =>
        client.command('HMGET', session, ...fields),
      )) as Answers;
      if (!userId || Number(expiresAt) <= at.getTime()) return undefined;
      return { id: sessionId, userId, passwordVersion: Number(passwordVersion) };
    },
    async exchange({ sessionId, tokenHash, successorHash, at, expiresAt }) {
      const args = [tokenHash, successorHash, at.getTime(), expiresAt.getTime(), GRACE_MS];
      const [outcome, until] = await run<[Outcome, string]>(EXCHANGE, sessionId, args);
      return outcome === 'exchanged' || outcome === 'repeated'
        ? { outcome, expiresAt: new Date(Number(until)) }
        : { outcome };
    },
    async end({ sessionId, hash }) {
      await run(END, sessionId, [hash]);
    },
    async keep({ id, userId, passwordVersion }) {
      await run(KEEP, id, [userId, passwordVersion]);
    },
  };
}

/** One for each field that was asked for. */
type Answers = readonly (string | null)[];
type Outcome = Awaited<ReturnType<SessionStore['exchange']>>['outcome'];

/** The braces keep both in one slot of a cluster, as a script's keys must be. */
function keysOf(sessionId: string): [session: string, used: string] {
  return [`users:session:{${sessionId}}`, `users:session:{${sessionId}}:used`];
}

const OPEN = `
redis.call('HSET', KEYS[1], 'userId', ARGV[1], 'passwordVersion', ARGV[2], 'token', ARGV[3], 'expiresAt', ARGV[4])
redis.call('PEXPIREAT', KEYS[1], ARGV[4])
return 1`;

const EXCHANGE = `
local token, successor, at, expiresAt, grace = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local current, previous, exchangedAt, untilThen =
  unpack(redis.call('HMGET', KEYS[1], 'token', 'previous', 'exchangedAt', 'expiresAt'))
if not current or tonumber(untilThen) <= at then return {'unknown'} end
if current == token then
  redis.call('HSET', KEYS[1], 'token', successor, 'previous', token, 'exchangedAt', at, 'expiresAt', expiresAt)
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', at)
  redis.call('ZADD', KEYS[2], untilThen, token)
  redis.call('PEXPIREAT', KEYS[1], expiresAt)
  redis.call('PEXPIREAT', KEYS[2], expiresAt)
  return {'exchanged', expiresAt}
end
if previous == token and at - tonumber(exchangedAt) <= grace then
  -- Another successor: the key has changed in between, and what was answered then is not to be had any more.
  if current ~= successor then return {'unknown'} end
  return {'repeated', untilThen}
end
local usedUntil = redis.call('ZSCORE', KEYS[2], token)
if not usedUntil or tonumber(usedUntil) <= at then return {'unknown'} end
redis.call('DEL', KEYS[1], KEYS[2])
return {'reused'}`;

const END = `
if redis.call('HGET', KEYS[1], 'token') == ARGV[1] or redis.call('ZSCORE', KEYS[2], ARGV[1]) then
  redis.call('DEL', KEYS[1], KEYS[2])
end
return 1`;

const KEEP = `
if redis.call('HGET', KEYS[1], 'userId') == ARGV[1] then redis.call('HSET', KEYS[1], 'passwordVersion', ARGV[2]) end
return 1`;
