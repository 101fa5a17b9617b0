import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { canonicalJson, hashOf } from './hash.ts';

/** As it was first written. What it made is in the annotations of running objects, so the text must stay the same. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, field]) => field !== undefined);
  entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([name, field]) => [name, sorted(field)]));
}

const anyValue = fc.anything({ withNullPrototype: false, maxDepth: 4, key: fc.oneof(fc.string(), fc.nat().map(String)), values: [fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null), fc.constant(undefined)] }); // prettier-ignore

describe('the hash of a value', () => {
  test('is that of the same text as ever', () => {
    fc.assert(fc.property(anyValue, (value) => expect(canonicalJson(value)).toBe(JSON.stringify(sorted(value)))));
    expect(hashOf({ b: [1, undefined, { d: 'x', c: null }], a: undefined })).toBe('2b3471d3e54f27e9');
  });

  test('is the same, frozen or not, and follows what is not frozen', () => {
    const value = { a: 1 };
    const before = hashOf(value);
    expect(hashOf(Object.freeze({ a: 1 }))).toBe(before);
    value.a = 2;
    expect(hashOf(value)).toBe(hashOf(Object.freeze({ a: 2 })));
    expect(hashOf(value)).not.toBe(before);
  });
});
