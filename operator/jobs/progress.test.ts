import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { Log } from '../runtime/log.ts';
import { createProgress } from './progress.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('tells at once, then the newest when the time is up, and nothing after its end', () => {
  const told: unknown[] = [];
  const log = { info: ({ progress }: { progress: string }) => void told.push(progress) } as unknown as Log;
  const progress = createProgress(log);
  progress.tell('file 1');
  progress.tell('file 2');
  progress.tell('file 3');
  expect(told).toEqual(['file 1']);
  jest.advanceTimersByTime(999);
  expect(told).toEqual(['file 1']);
  jest.advanceTimersByTime(1);
  expect(told).toEqual(['file 1', 'file 3']);
  jest.advanceTimersByTime(5_000);
  progress.tell('file 4');
  progress.tell('file 5');
  progress.end();
  jest.advanceTimersByTime(5_000);
  expect(told).toEqual(['file 1', 'file 3', 'file 4']);
});
