import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fakeClock } from './clock.ts';
import { createQueue, RETRY_BACKOFF, type WorkQueue } from './queue.ts';

function setup() {
  const clock = fakeClock();
  return { clock, queue: createQueue({ clock, random: () => 0 }) };
}

/** Takes what is ready now, without waiting for more. */
async function takeAll(queue: WorkQueue): Promise<string[]> {
  const taken: string[] = [];
  while (queue.depth > 0) taken.push((await queue.get())!);
  return taken;
}

describe('adding', () => {
  test('serves keys in the order of arrival, each once', async () => {
    const { queue } = setup();
    for (const key of ['b', 'a', 'b', 'c']) queue.add(key);
    expect(await takeAll(queue)).toEqual(['b', 'a', 'c']);
  });

  test('any number of adds while a key is worked on give exactly one more run, after it', async () => {
    const { queue } = setup();
    queue.add('a');
    await queue.get();
    for (let i = 0; i < 5; i++) queue.add('a');
    expect(queue.depth).toBe(0);
    queue.done('a');
    expect(await takeAll(queue)).toEqual(['a']);
    queue.done('a');
    expect(queue.depth).toBe(0);
  });

  test('fresh edits overtake the backlog of a restart, and lift a key out of it', async () => {
    const { queue } = setup();
    for (const key of ['old1', 'old2', 'old3']) queue.add(key, -100);
    queue.add('fresh');
    queue.add('old3');
    queue.add('fresh', -100);
    expect(await takeAll(queue)).toEqual(['fresh', 'old3', 'old1', 'old2']);
  });

  test('hands a key to a worker that waits already', async () => {
    const { queue } = setup();
    const waiting = queue.get();
    queue.add('a');
    expect(await waiting).toBe('a');
    expect(queue.depth).toBe(0);
  });
});

describe('delays', () => {
  const cases: Record<string, { delays: number[]; readyAfter: number }> = {
    'a later deadline does not postpone an earlier one': { delays: [100, 500], readyAfter: 100 },
    'an earlier deadline replaces a later one': { delays: [500, 100], readyAfter: 100 },
    'no delay is now': { delays: [500, 0], readyAfter: 0 },
  };
  test.each(Object.entries(cases))('%s', (_, { delays, readyAfter }) => {
    const { clock, queue } = setup();
    for (const ms of delays) queue.addAfter('a', ms);
    clock.advance(readyAfter - 1);
    expect(queue.depth).toBe(readyAfter === 0 ? 1 : 0);
    clock.advance(1);
    expect(queue.depth).toBe(1);
    clock.advance(10_000);
    expect(queue.depth).toBe(1);
  });

  test('an immediate add wins: the delayed run does not come on top', async () => {
    const { clock, queue } = setup();
    queue.addAfter('a', 100);
    queue.add('a');
    await queue.get();
    queue.done('a');
    clock.advance(1_000);
    expect(queue.depth).toBe(0);
  });

  test('failures wait 5 ms, doubling up to 1000 s, until the key is forgotten', async () => {
    const { clock, queue } = setup();
    const delays = Array.from({ length: 20 }, () => {
      const delay = queue.retry('a');
      clock.advance(delay);
      return delay;
    });
    expect(delays.slice(0, 4)).toEqual([5, 10, 20, 40]);
    expect(delays.at(-1)).toBe(1_000_000);
    queue.forget('a');
    expect(queue.retry('a')).toBe(5);
  });

  test('jitter stays within a tenth and below the ceiling', () => {
    const queue = createQueue({ clock: fakeClock(), random: () => 0.999 });
    const delays = Array.from({ length: 25 }, () => queue.retry('a'));
    delays.forEach((delay, n) => {
      const plain = Math.min(RETRY_BACKOFF.baseMs * 2 ** n, RETRY_BACKOFF.maxMs);
      expect(delay).toBeGreaterThanOrEqual(plain);
      expect(delay).toBeLessThanOrEqual(Math.min(plain * 1.1, RETRY_BACKOFF.maxMs));
    });
  });

  test('a retry keeps the low priority of the run that failed', async () => {
    const { clock, queue } = setup();
    queue.add('old', -100);
    await queue.get();
    queue.retry('old');
    queue.done('old');
    clock.advance(5);
    queue.add('fresh');
    expect(await takeAll(queue)).toEqual(['fresh', 'old']);
  });
});

describe('shutting down', () => {
  test('refuses adds, drops delays, serves what is queued, then releases every worker', async () => {
    const { clock, queue } = setup();
    queue.add('a');
    queue.addAfter('later', 10);
    queue.shutDown();
    queue.add('b');
    clock.advance(100);
    expect(await queue.get()).toBe('a');
    queue.done('a');
    expect(await queue.get()).toBeUndefined();
  });

  test('releases idle workers at once; the busy one takes what was added while it worked', async () => {
    const { queue } = setup();
    queue.add('a');
    await queue.get();
    queue.add('a');
    const idle = [queue.get(), queue.get()];
    queue.shutDown();
    expect(await Promise.all(idle)).toEqual([undefined, undefined]);
    queue.done('a');
    expect(await queue.get()).toBe('a');
    queue.done('a');
    expect(await queue.get()).toBeUndefined();
  });
});

describe('in any interleaving', () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), key, priority: fc.constantFrom(0, -100) }),
    fc.record({ kind: fc.constant('addAfter' as const), key, ms: fc.integer({ min: 1, max: 50 }) }),
    fc.record({ kind: fc.constant('get' as const) }),
    fc.record({ kind: fc.constant('done' as const), key }),
    fc.record({ kind: fc.constant('retry' as const), key }),
    fc.record({ kind: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 100 }) }),
  );

  test('a key has one worker at a time, and a run starts after every add', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
        const { clock, queue } = setup();
        const working = new Set<string>();
        const owed = new Set<string>(); // keys added since their last start
        const start = (taken: string) => {
          expect(working.has(taken)).toBe(false);
          working.add(taken);
          owed.delete(taken);
        };
        for (const s of steps) {
          if (s.kind === 'add') {
            queue.add(s.key, s.priority);
            owed.add(s.key);
          } else if (s.kind === 'addAfter') {
            queue.addAfter(s.key, s.ms);
            owed.add(s.key);
          } else if (s.kind === 'get' && queue.depth > 0) start((await queue.get())!);
          else if (s.kind === 'done' && working.delete(s.key)) queue.done(s.key);
          else if (s.kind === 'retry' && working.has(s.key)) {
            queue.retry(s.key);
            owed.add(s.key);
          } else if (s.kind === 'advance') clock.advance(s.ms);
        }
        clock.advance(3_000_000);
        const runs = new Map<string, number>();
        for (let round = 0; round < 10; round++) {
          for (const taken of working) queue.done(taken);
          working.clear();
          for (const taken of await takeAll(queue)) {
            start(taken);
            runs.set(taken, (runs.get(taken) ?? 0) + 1);
          }
        }
        expect([...owed]).toEqual([]);
        for (const count of runs.values()) expect(count).toBe(1);
      }),
    );
  });
});
