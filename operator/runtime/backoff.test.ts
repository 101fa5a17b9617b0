import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { backoffDelay, type Backoff } from './backoff.ts';

const backoff: fc.Arbitrary<Backoff> = fc
  .record({ baseMs: fc.integer({ min: 1, max: 10_000 }), factor: fc.integer({ min: 1, max: 1_000_000 }), jitter: fc.double({ min: 0, max: 2, noNaN: true }) })
  .map(({ baseMs, factor, jitter }) => ({ baseMs, maxMs: baseMs * factor, jitter })); // prettier-ignore
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
/** Past any exponent that a number can hold. */
const attempt = fc.integer({ min: 0, max: 5_000 });

test('the first delay is the base, each further one twice the one before, up to the ceiling', () => {
  fc.assert(
    fc.property(backoff, attempt, (given, n) => {
      const delay = (m: number) => backoffDelay(given, m, () => 0);
      expect(delay(0)).toBe(given.baseMs);
      expect(delay(n + 1)).toBe(Math.min(2 * delay(n), given.maxMs));
    }),
  );
});

test('chance only ever adds, by no more than its share, and never above the ceiling', () => {
  fc.assert(
    fc.property(backoff, attempt, chance, (given, n, random) => {
      const plain = backoffDelay(given, n, () => 0);
      const delay = backoffDelay(given, n, () => random);
      expect(delay).toBeGreaterThanOrEqual(plain);
      expect(delay).toBeLessThanOrEqual(Math.min(plain * (1 + given.jitter), given.maxMs));
    }),
  );
});
