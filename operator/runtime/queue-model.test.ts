import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fakeClock } from './clock.ts';
import { createQueue } from './queue.ts';

/**
 * The semantics of client-go's queue, as plainly as they can be said: a list that is searched from the start. The real queue has
 * to do the same, whatever comes in whatever order.
 */
class Model {
  now = 0;
  waiting: { key: string; priority: number }[] = []; // ready to be worked on, in order of arrival
  dirty = new Map<string, number>(); // key → priority
  processing = new Map<string, number>();
  delayed = new Map<string, { at: number; priority: number }>();
  failures = new Map<string, number>();
  closed = false;

  add(key: string, priority: number): void {
    if (this.closed) return;
    this.delayed.delete(key);
    const before = this.dirty.get(key);
    if (before !== undefined && priority <= before) return;
    this.dirty.set(key, priority);
    this.waiting = this.waiting.filter((entry) => entry.key !== key);
    if (!this.processing.has(key)) this.waiting.push({ key, priority });
  }
  addAfter(key: string, ms: number, priority: number): void {
    if (ms <= 0) return this.add(key, priority);
    if (this.closed || this.dirty.has(key)) return;
    const at = this.now + ms;
    if (at >= (this.delayed.get(key)?.at ?? Infinity)) return;
    this.delayed.delete(key); // of delays that end at the same moment the one set first ends first
    this.delayed.set(key, { at, priority });
  }
  retry(key: string): number {
    const failures = this.failures.get(key) ?? 0;
    this.failures.set(key, failures + 1);
    const delay = Math.min(5 * 2 ** failures, 1_000_000);
    this.addAfter(key, delay, this.processing.get(key) ?? 0);
    return delay;
  }
  forget(key: string): void {
    this.failures.delete(key);
  }
  get(): string | undefined {
    const best = Math.max(...this.waiting.map(({ priority }) => priority));
    const next = this.waiting.find(({ priority }) => priority === best);
    if (!next) return undefined;
    this.waiting = this.waiting.filter((entry) => entry !== next);
    this.dirty.delete(next.key);
    this.processing.set(next.key, next.priority);
    return next.key;
  }
  done(key: string): void {
    if (!this.processing.delete(key)) return;
    const priority = this.dirty.get(key);
    if (priority !== undefined) this.waiting.push({ key, priority });
  }
  shutDown(): void {
    this.closed = true;
    this.delayed.clear();
  }
  advance(ms: number): void {
    const end = this.now + ms;
    const due = [...this.delayed].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at);
    for (const [key, { priority }] of due) this.add(key, priority);
    this.now = end;
  }
}

const key = fc.constantFrom('a', 'b', 'c', 'd');
const priority = fc.constantFrom(0, -100, 10);
const ms = fc.integer({ min: 0, max: 200 });
const step = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(fc.constant('add' as const), key, priority) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('addAfter' as const), key, ms, priority) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('get' as const)) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('done' as const), key) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('retry' as const), key) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('forget' as const), key) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('advance' as const), ms) },
);

test('whatever is done to it in whatever order, the queue does what its model does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), fc.boolean(), async (steps, shutsDown) => {
      const clock = fakeClock();
      const queue = createQueue({ clock, random: () => 0 });
      const model = new Model();
      for (const [i, s] of [...steps, ...(shutsDown ? ['shutDown' as const] : []), ...steps].entries()) {
        if (s === 'shutDown') {
          queue.shutDown();
          model.shutDown();
        } else if (s[0] === 'get') {
          const expected = model.get();
          if (expected !== undefined || model.closed) expect([i, await queue.get()]).toEqual([i, expected]);
        } else if (s[0] === 'retry') {
          expect(queue.retry(s[1])).toBe(model.retry(s[1]));
        } else if (s[0] === 'advance') {
          clock.advance(s[1]);
          model.advance(s[1]);
        } else if (s[0] === 'add') {
          queue.add(s[1], s[2]);
          model.add(s[1], s[2]);
        } else if (s[0] === 'addAfter') {
          queue.addAfter(s[1], s[2], s[3]);
          model.addAfter(s[1], s[2], s[3]);
        } else {
          queue[s[0]](s[1]);
          model[s[0]](s[1]);
        }
        expect([i, queue.depth]).toEqual([i, model.waiting.length]);
        expect([i, [...queue.running].length]).toEqual([i, model.processing.size]);
      }
    }),
    { numRuns: 500 },
  );
});
