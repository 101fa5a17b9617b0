import { describe, expect, test } from '@jest/globals';
import { hashingQueue } from './hashing-queue.ts';

/** Work that goes on until it is told to end, and that tells when it began. */
function scene(limits: { atOnce: number; atMostWaiting: number }) {
  const queue = hashingQueue(limits);
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const enter = (name: string, signal?: AbortSignal) =>
    queue.run(() => {
      begun.push(name);
      return new Promise<string>((resolve) => ends.set(name, () => resolve(name)));
    }, signal);
  return { queue, begun, enter, end: (name: string) => ends.get(name)?.() };
}

describe('the queue of the hashing', () => {
  test('runs as many at once as it may, and the others in the order in which they came', async () => {
    const { begun, enter, end, queue } = scene({ atOnce: 2, atMostWaiting: 9 });
    const all = ['a', 'b', 'c', 'd'].map((name) => enter(name));
    await Promise.resolve();
    expect([begun, queue.waiting()]).toEqual([['a', 'b'], 2]);
    end('b');
    expect(await all[1]).toBe('b');
    end('a');
    await all[0];
    expect([begun, queue.waiting()]).toEqual([['a', 'b', 'c', 'd'], 0]);
    end('c');
    end('d');
    await Promise.all(all);
  });

  test('tells who comes when it is full, and takes the next one when it is not any more', async () => {
    const { enter, end } = scene({ atOnce: 1, atMostWaiting: 1 });
    const [first, second] = [enter('a'), enter('b')];
    await expect(enter('c')).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    end('a');
    await first;
    const last = enter('d');
    end('b');
    await second;
    end('d');
    expect(await last).toBe('d');
  });

  test('does not work for who went away, and gives the place to the next', async () => {
    const { begun, enter, end } = scene({ atOnce: 1, atMostWaiting: 2 });
    const gone = new AbortController();
    const [first, second, third] = [enter('a'), enter('b', gone.signal), enter('c')];
    gone.abort();
    await expect(second).rejects.toMatchObject({ code: 'TIMEOUT' });
    end('a');
    await first;
    end('c');
    await third;
    expect(begun).toEqual(['a', 'c']);
    await expect(enter('d', gone.signal)).rejects.toMatchObject({ code: 'TIMEOUT' });
  });

  test('goes on after work that failed', async () => {
    const queue = hashingQueue({ atOnce: 1, atMostWaiting: 1 });
    await expect(queue.run(() => Promise.reject(new Error('out of memory')))).rejects.toThrow('out of memory');
    expect(await queue.run(async () => 'done')).toBe('done');
  });
});
