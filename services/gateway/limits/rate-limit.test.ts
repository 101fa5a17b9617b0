import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { memoryBuckets, type TakeToken } from './rate-limit.ts';

const rate = { perMinute: 60 };

function buckets(maxKeys?: number) {
  const clock = { now: 0 };
  const take = memoryBuckets({ now: () => clock.now, ...(maxKeys === undefined ? {} : { maxKeys }) });
  return { clock, take };
}

async function takeAll(take: TakeToken, key: string): Promise<number> {
  let count = 0;
  while ((await take(key, rate)).allowed) count += 1;
  return count;
}

describe('a bucket', () => {
  test("gives a minute's requests at once, and then one by one as time passes", async () => {
    const { clock, take } = buckets();
    expect(await takeAll(take, 'a')).toBe(60);
    expect(await take('a', rate)).toEqual({
      allowed: false,
      limit: 60,
      remaining: 0,
      resetMs: 60_000,
      retryAfterMs: 1000,
    });
    clock.now += 999;
    expect(await take('a', rate)).toMatchObject({ allowed: false, retryAfterMs: 1 });
    clock.now += 1;
    expect(await take('a', rate)).toMatchObject({ allowed: true, remaining: 0, retryAfterMs: 0 });
    expect(await take('a', rate)).toMatchObject({ allowed: false });
    clock.now += 30_000;
    expect(await takeAll(take, 'a')).toBe(30);
    clock.now += 3_600_000;
    expect(await takeAll(take, 'a')).toBe(60);
  });

  test('tells what is left, and when it will be full again', async () => {
    const { clock, take } = buckets();
    expect(await take('a', rate)).toMatchObject({ limit: 60, remaining: 59, resetMs: 1000 });
    expect(await take('a', rate)).toMatchObject({ remaining: 58, resetMs: 2000 });
    clock.now += 1000;
    expect(await take('a', rate)).toMatchObject({ remaining: 58, resetMs: 2000 });
  });

  test('of one key is not that of another', async () => {
    const { take } = buckets();
    await takeAll(take, 'a');
    expect(await take('b', rate)).toMatchObject({ allowed: true, remaining: 59 });
  });

  test('that was used longest ago is forgotten when there are too many', async () => {
    const { take } = buckets(2);
    for (const key of ['a', 'b', 'a', 'c']) await take(key, rate);
    expect(await take('a', rate)).toMatchObject({ remaining: 57 });
    expect(await take('b', rate)).toMatchObject({ remaining: 59 });
  });

  test('never gives more than its burst and its rate, at whatever times it is asked', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1000 }),
        fc.array(fc.nat(5000), { maxLength: 300 }),
        async (perMinute, pauses) => {
          const { clock, take } = buckets();
          let allowed = 0;
          for (const pause of pauses) {
            clock.now += pause;
            if ((await take('a', { perMinute })).allowed) allowed += 1;
          }
          expect(allowed).toBeLessThanOrEqual(perMinute + Math.ceil((clock.now / 60_000) * perMinute));
        },
      ),
    );
  });
});
