import { expect, test } from '@jest/globals';
import { createKeySet } from './key-set.ts';

test('tells the row that has the same key, and which keys there are, when it is full', () => {
  const keys = createKeySet(10_000);
  for (let i = 1; i <= 10_000; i++) expect(keys.add(`key ${i}`)).toBeUndefined();
  for (let i = 1; i <= 10_000; i += 97) {
    expect(keys.add(`key ${i}`)).toBe(i);
    expect(keys.has(`key ${i}`)).toBe(true);
    expect(keys.has(`other ${i}`)).toBe(false);
  }
});
