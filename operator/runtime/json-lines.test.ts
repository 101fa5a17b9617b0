import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonLines } from './json-lines.ts';

async function parse(chunks: Buffer[]): Promise<unknown[]> {
  async function* source() {
    yield* chunks;
  }
  return Array.fromAsync(jsonLines(source()));
}

function split(bytes: Buffer, cuts: number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

test('finds the same values wherever the chunks are cut, within characters too', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ text: fc.string({ unit: 'grapheme' }), n: fc.integer() })),
      fc.array(fc.nat()),
      async (values, cuts) => {
        const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
        expect(await parse(split(bytes, cuts))).toEqual(values);
      },
    ),
  );
});

test('a line that was cut off by the end of the connection is left out', async () => {
  expect(await parse([Buffer.from('{"a":1}\n{"b"')])).toEqual([{ a: 1 }]);
});
