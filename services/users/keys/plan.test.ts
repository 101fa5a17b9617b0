import { describe, expect, test } from '@jest/globals';
import { type KeyFacts, planKeys, PUBLISHED_AHEAD_MS, signingKey } from './plan.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const at = (hours: number, minutes = 0) => new Date(Date.UTC(2026, 10, 1) + hours * HOUR + minutes * MINUTE);
const key = (id: string, hours: number, sealedBy = 'mine'): KeyFacts => ({ id, activeFrom: at(hours), sealedBy });
const plan = (keys: KeyFacts[], now: Date) =>
  planKeys(keys, { sealedBy: 'mine', rotationMs: 24 * HOUR, tokenTtlMs: 15 * MINUTE, now });

describe('the plan of the signing keys', () => {
  test.each<[string, KeyFacts[], Date, ReturnType<typeof plan>]>([
    ['makes the first one and its successor', [], at(0), { create: [at(0), at(24)], remove: [] }],
    ['is at rest while there is a successor', [key('a', 0), key('b', 24)], at(23, 59), { create: [], remove: [] }],
    ['makes the next one as soon as the successor is active', [key('a', 0), key('b', 24)], at(24), { create: [at(48)], remove: [] }],
    ['keeps a key while tokens of it may be valid', [key('a', 0), key('b', 24), key('c', 48)], at(24, 20), { create: [], remove: [] }],
    ['removes it when none can be', [key('a', 0), key('b', 24), key('c', 48)], at(24, 21), { create: [], remove: ['a'] }],
    ['publishes a successor before its use, also when it is overdue', [key('a', 0)], at(500),
      { create: [new Date(at(500).getTime() + PUBLISHED_AHEAD_MS)], remove: [] }],
    ["leaves keys alone that another secret's instances go on with", [key('x', 0, 'other'), key('y', 24, 'other'), key('a', 1), key('b', 25)], at(2),
      { create: [], remove: [] }],
    ['removes those that nobody goes on with', [key('x', 0, 'other'), key('y', 24, 'other'), key('a', 1), key('b', 25), key('c', 49)], at(26),
      { create: [], remove: ['a', 'x', 'y'] }],
    ['makes its own where there are only those of another secret', [key('x', 0, 'other')], at(0), { create: [at(0), at(24)], remove: [] }],
  ])('%s', (_sentence, keys, now, expected) => {
    const { create, remove } = plan(keys, now);
    expect({ create, remove: remove.toSorted() }).toEqual(expected);
  }); // prettier-ignore

  test.each<[string, Date, string | undefined]>([
    ['the newest active one', at(30), 'b'],
    ['not its successor before its time', at(23), 'a'],
    ['the first one, on a clock that is behind', at(-1), 'a'],
  ])('signs with %s', (_sentence, now, id) => {
    expect(signingKey([key('b', 24), key('x', 25, 'other'), key('a', 0), key('c', 48)], 'mine', now)?.id).toBe(id);
  });

  test('signs with none of another secret', () => {
    expect(signingKey([key('x', 0, 'other')], 'mine', at(1))).toBeUndefined();
  });
});
