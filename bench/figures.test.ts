import { expect, test } from '@jest/globals';
import { percentile } from './figures.ts';

test.each([
  ['the middle of an odd number of values', [3, 1, 2], 0.5, 2],
  ['the lower middle of an even number', [4, 1, 3, 2], 0.5, 2],
  ['the last but one of 100 at 99 %', Array.from({ length: 100 }, (_, index) => index + 1), 0.99, 99],
  ['the greatest at 100 %', [5, 9, 7], 1, 9],
  ['the only one', [8], 0.99, 8],
])('a percentile is %s', (_sentence, values, share, expected) => {
  expect(percentile(values, share)).toBe(expected);
});
