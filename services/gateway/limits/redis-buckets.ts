import { pause } from '@orderplane/shared/backoff.ts';
import { CodedError } from '@orderplane/shared/errors.ts';
import { type Logger, troubleLog } from '@orderplane/shared/log.ts';
import type { Redis } from '@orderplane/shared/redis.ts';
import { type TakeToken, taken, WINDOW_MS } from './rate-limit.ts';

/** As much as a request waits for its limit. */
const ANSWER_WITHIN_MS = 100;
/** The names of the gateway's keys begin so: others are not its own. */
const PREFIX = 'gateway:rate:';

/** The same arithmetic as of the buckets in memory, on Redis's own clock. Answers whether one was taken, and in how many milliseconds the bucket is full. */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local before = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
local after = before + ${WINDOW_MS} / tonumber(ARGV[1])
if after - now > ${WINDOW_MS} + 0.001 then return {0, tostring(before - now)} end
redis.call('SET', KEYS[1], string.format('%.3f', after), 'PX', math.ceil(after - now))
return {1, tostring(after - now)}
`;

/** Buckets that all replicas share. While Redis is away each replica counts by itself, in `fallback`. */
export function redisBuckets({ redis, fallback, log }: { redis: Redis; fallback: TakeToken; log: Logger }): TakeToken {
  const { trouble, fine } = troubleLog(log, 'rate limits in redis');
  return async (key, rate) => {
    const done = new AbortController();
    try {
      const asked = redis.run((client) =>
        client.eval(TAKE, { keys: [PREFIX + key], arguments: [String(rate.perMinute)] }),
      );
      const late = pause(ANSWER_WITHIN_MS, done.signal).then(() => {
        throw new CodedError('TIMEOUT');
      });
      const [allowed, owed] = (await Promise.race([asked, late])) as [number, string];
      fine();
      return taken(rate, 0, Number(owed), allowed === 1);
    } catch (error) {
      trouble(error);
      return fallback(key, rate);
    } finally {
      done.abort();
    }
  };
}
