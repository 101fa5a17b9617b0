import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { batching, CROWD } from './batching.ts';
import { currentRequest, requestContextFrom, withRequest } from './request-context.ts';

test('every item is done once, in the order it came, in batches and lanes that keep to their bounds, with an answer of its own', async () => {
  const bounds = fc.record({
    maxItems: fc.integer({ min: 1, max: 5 }),
    lanes: fc.integer({ min: 1, max: 3 }),
    pauseMs: fc.constantFrom(0, 0, 1),
  });
  const turns = fc.array(fc.array(fc.nat(9), { maxLength: 2 * CROWD }), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(bounds, turns, async (options, input) => {
      const batches: number[][] = [];
      let running = 0;
      const half = batching<number, number>(options, async (items) => {
        batches.push([...items]);
        running += 1;
        expect(running).toBeLessThanOrEqual(options.lanes);
        for (let turn = 0; turn < items.length; turn++) await Promise.resolve();
        running -= 1;
        return items.map((item) =>
          item % 2 === 0
            ? { status: 'fulfilled', value: item / 2 }
            : { status: 'rejected', reason: new Error(`${item} is odd`) },
        );
      });
      const answers: Promise<string>[] = [];
      for (const items of input) {
        for (const item of items) {
          const answer = half(item);
          answers.push(answer.then(String, ({ message }: Error) => message));
        }
        await (items.length % 2 === 0 ? turn() : Promise.resolve());
      }
      const items = input.flat();
      expect(await Promise.all(answers)).toEqual(
        items.map((item) => (item % 2 === 0 ? String(item / 2) : `${item} is odd`)),
      );
      expect(batches.flat()).toEqual(items);
      for (const batch of batches) expect(batch.length).toBeLessThanOrEqual(options.maxItems);
    }),
  );
});

test('what comes while a batch is under way is done together', async () => {
  const batches: string[][] = [];
  const first = Promise.withResolvers<void>();
  const echo = batching<string, string>({ maxItems: 10, lanes: 1 }, async (items) => {
    batches.push([...items]);
    if (batches.length === 1) await first.promise;
    return items.map((value) => ({ status: 'fulfilled', value }));
  });
  const alone = echo('alone');
  await turn();
  const together = Promise.all([echo('a'), echo('b')]);
  await turn();
  const [later] = [echo('c'), first.resolve()];
  expect(await Promise.all([alone, together, later])).toEqual(['alone', ['a', 'b'], 'c']);
  expect(batches).toEqual([['alone'], ['a', 'b', 'c']]);
});

test('a batch is begun beside one that is under way once a crowd waits, and not for a few', async () => {
  const batches: number[] = [];
  const first = Promise.withResolvers<void>();
  const echo = batching<number, number>({ maxItems: 100, lanes: 2 }, async (items) => {
    batches.push(items.length);
    if (batches.length === 1) await first.promise;
    return items.map((value) => ({ status: 'fulfilled', value }));
  });
  const alone = echo(0);
  await turn();
  const few = Array.from({ length: CROWD - 1 }, (_, index) => echo(index));
  await turn();
  expect(batches).toEqual([1]);
  await Promise.all([...few, echo(CROWD)]);
  expect(batches).toEqual([1, CROWD]);
  first.resolve();
  await alone;
});

test('what comes within the pause after a batch began is done together, and not before it is over', async () => {
  const batches: string[][] = [];
  const echo = batching<string, string>({ maxItems: 10, lanes: 2, pauseMs: 300 }, async (items) => {
    batches.push([...items]);
    return items.map((value) => ({ status: 'fulfilled', value }));
  });
  expect(await echo('first')).toBe('first');
  const later: Promise<string>[] = [];
  for (const value of ['a', 'b', 'c']) {
    later.push(echo(value));
    await turn();
  }
  expect(batches).toEqual([['first']]);
  expect(await Promise.all(later)).toEqual(['a', 'b', 'c']);
  expect(batches).toEqual([['first'], ['a', 'b', 'c']]);
});

test('a batch that fails fails for all that are in it, and for nobody else', async () => {
  let failures = 1;
  const echo = batching<string, string>({ maxItems: 2, lanes: 1 }, async (items) => {
    if (failures-- > 0) throw new Error('away');
    return items.map((value) => ({ status: 'fulfilled', value }));
  });
  const results = await Promise.allSettled(['a', 'b', 'c'].map(echo));
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
});

test('a batch is a part of the request of its first item, also when it waited for the one before', async () => {
  const requests: (string | undefined)[] = [];
  const echo = batching<string, string>({ maxItems: 1, lanes: 1 }, async (items) => {
    requests.push(currentRequest()?.requestId);
    return items.map((value) => ({ status: 'fulfilled', value }));
  });
  const ask = (requestId: string) => withRequest(requestContextFrom((name) => (name === 'x-request-id' ? requestId : null)), () => echo('')); // prettier-ignore
  await Promise.all([ask('a'), ask('b'), echo('')]);
  expect(requests).toEqual(['a', 'b', undefined]);
});
