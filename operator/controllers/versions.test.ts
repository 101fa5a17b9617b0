import { expect, test } from '@jest/globals';
import { hasReached } from './versions.ts';

test.each([
  ['0003', '3', true],
  ['10', '0009', true],
  ['0002', '10', false],
  ['900719925474099301', '900719925474099300', true],
  [undefined, '1', false],
  ['', '0', false],
])('%s has reached %s: %s', (current, wanted, reached) => {
  expect(hasReached(current, wanted)).toBe(reached);
});
