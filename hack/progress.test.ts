import { stripVTControlCharacters } from 'node:util';
import { describe, expect, jest, test } from '@jest/globals';
import { createProgress, inStep, secondsLeft } from './progress.ts';

function record(isTTY: boolean) {
  const written: string[] = [];
  const clock = { now: 0 };
  const output = { isTTY, columns: 60, write: (text: string) => written.push(text) };
  return { clock, progress: createProgress(output, () => clock.now), text: () => written.join('') };
}

describe('without a terminal', () => {
  test('a step is a line at its start and one at its end, with its seconds', async () => {
    const { clock, progress, text } = record(false);
    await inStep(progress, 'Base image', async () => {
      clock.now = 2_400;
    });
    expect(text()).toBe('• Base image\n✓ Base image (2.4 s)\n');
  });

  test('a failed step says why, once, and the error goes on', async () => {
    const { progress, text } = record(false);
    await expect(inStep(progress, 'Base image', () => Promise.reject(new Error('no mirror')))).rejects.toThrow(
      'no mirror',
    );
    expect(text()).toBe('• Base image\n✗ Base image (0.0 s): no mirror\n');
  });

  test('a step that takes long says so every half minute, with the time left', () => {
    jest.useFakeTimers();
    try {
      const { clock, progress, text } = record(false);
      progress.step('kube-apiserver', { expectedSeconds: 300 }).update('building');
      clock.now = 30_000;
      jest.advanceTimersByTime(30_000);
      expect(text()).toContain('kube-apiserver: building (30 s, about 270 s left)');
    } finally {
      jest.useRealTimers();
    }
  });
});

test('on a terminal, running steps are redrawn below those that ended, and none is wider than the terminal', () => {
  const { progress, text } = record(true);
  const first = progress.step('a title that is much too long for a terminal of sixty columns to show');
  const second = progress.step('second');
  second.done('unchanged');
  first.done();
  const lines = stripVTControlCharacters(text()).split('\n');
  expect(lines.filter((line) => line.startsWith('✓'))).toEqual([
    '✓ second (0.0 s, unchanged)',
    expect.stringContaining('✓ a title'),
  ]);
  expect(lines.filter((line) => !line.startsWith('✓') && line.length >= 60)).toEqual([]);
});

test.each([
  ['the share that is done', { fraction: 0.25, expectedSeconds: 1000 }, 10, 30],
  ['the expected duration', { expectedSeconds: 40 }, 10, 30],
  ['nothing, once the expected duration is over', { expectedSeconds: 40 }, 50, undefined],
  ['nothing, when nothing is known', {}, 50, undefined],
])('time left follows from %s', (_, step, elapsed, expected) => {
  expect(secondsLeft(step, elapsed)).toBe(expected);
});
