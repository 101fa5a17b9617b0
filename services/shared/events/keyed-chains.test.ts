import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { keyedChains } from './keyed-chains.ts';

test('tasks of a key run one at a time and in order, those of other keys meanwhile', async () => {
  const tasks = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), turns: fc.nat(3) }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(tasks, async (input) => {
      const chains = keyedChains();
      const running = new Set<string>();
      const finished: number[] = [];
      input.forEach(({ key, turns }, index) =>
        chains.run(key, async () => {
          expect(running.has(key)).toBe(false);
          running.add(key);
          for (let turn = 0; turn < turns; turn++) await Promise.resolve();
          running.delete(key);
          finished.push(index);
        }),
      );
      await chains.idle();
      expect(finished.toSorted((a, b) => a - b)).toEqual(input.map((_, index) => index));
      for (const key of ['a', 'b', 'c']) {
        const order = finished.filter((index) => input[index]?.key === key);
        expect(order).toEqual(order.toSorted((a, b) => a - b));
      }
    }),
  );
});

test('a slow key holds up no other', async () => {
  const chains = keyedChains();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  chains.run('slow', () => released);
  await new Promise<void>((done) => chains.run('fast', async () => done()));
  release();
  await chains.idle();
});
