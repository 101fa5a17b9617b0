import { expect, test } from '@jest/globals';
import { retryBudget } from './retry-budget.ts';

function retriesOf(calls: number, eachTries: number): number {
  const budget = retryBudget();
  let retries = 0;
  for (let call = 0; call < calls; call++) {
    budget.call();
    for (let again = 0; again < eachTries && budget.spend(); again++) retries += 1;
  }
  return retries;
}

test('a call now and then is tried again as often as it wants', () => {
  expect(retriesOf(1, 2)).toBe(2);
});

test('of calls that all fail, no more than a tenth and a reserve of ten are made again', () => {
  expect(retriesOf(1000, 2)).toBeLessThanOrEqual(110);
  expect(retriesOf(1000, 2)).toBeGreaterThanOrEqual(100);
});

test('a long time without trouble saves no more than the reserve', () => {
  const budget = retryBudget();
  for (let call = 0; call < 10_000; call++) budget.call();
  const spent = Array.from({ length: 20 }, () => budget.spend());
  expect(spent.filter(Boolean)).toHaveLength(10);
});
