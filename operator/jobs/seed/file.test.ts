import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { seedInput, type SeedDataset, type SeedRow } from '../contract.ts';
import { openSource, type Source } from './source.ts';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'orderplane-file-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

function datasetOf(source: object): SeedDataset {
  const dataset = {
    name: 'd',
    engine: 'mongo',
    database: 'x',
    collection: 'c',
    key: ['id'],
    mode: 'Upsert',
    ...source,
  };
  return seedInput.parse({ datasets: [dataset], inputHash: 'h', run: 'r' }).datasets[0]!;
}

async function open(content: string | Buffer, format: 'csv' | 'ndjson'): Promise<Source> {
  const path = join(dir, `rows.${format}`);
  await writeFile(path, content);
  return openSource(datasetOf({ file: { path, format } }));
}

async function rowsOf(source: Source): Promise<SeedRow[]> {
  const rows: SeedRow[] = [];
  for await (const batch of source.batches()) rows.push(...batch);
  return rows;
}

describe('reads from CSV', () => {
  const cases: Record<string, [string | Buffer, SeedRow[]]> = {
    'texts, and numbers and truths where they are not quoted': [
      'id,n,ok,text\na,1.5,true,"1.5"\n',
      [{ id: 'a', n: 1.5, ok: true, text: '1.5' }],
    ],
    'nothing as null, and empty quotes as an empty text': ['id,a,b\n1,,""\n', [{ id: 1, a: null, b: '' }]],
    'commas, quotes and line ends within quotes': ['id,t\n1,"a, ""b""\nc"\n', [{ id: 1, t: 'a, "b"\nc' }]],
    'lines that end with CRLF, and a last one without an end': ['id,t\r\n1,x\r\n2,y', [{ id: 1, t: 'x' }, { id: 2, t: 'y' }]],
    'a byte order mark as nothing': ['\uFEFF"id",t\n1,x\n', [{ id: 1, t: 'x' }]],
    'what only looks like a number as it is': ['id,t\n007,1e\n', [{ id: '007', t: '1e' }]],
    'a header alone as no rows': ['id,t\n', []],
  }; // prettier-ignore
  test.each(Object.entries(cases))('%s', async (_, [content, expected]) => {
    const source = await open(content, 'csv');
    expect(await rowsOf(source)).toEqual(expected);
    expect(source.total).toBe(expected.length);
    expect(await rowsOf(source)).toEqual(expected);
  });
});

test('tells the line of a row behind values of many lines', async () => {
  const source = await open('id,t\n1,"x\ny\nz"\n2,b\n3,c\n', 'csv');
  expect(await Promise.all([1, 2, 3].map((row) => source.where(row)))).toEqual(['rows.csv:2', 'rows.csv:5', 'rows.csv:6']);
}); // prettier-ignore

test('hands the bytes after the header to who reads CSV itself', async () => {
  const { csv } = await open('\uFEFF"i\nd",t\r\n1,x\r\n', 'csv');
  const chunks: Buffer[] = [];
  for await (const chunk of csv!.bytes()) chunks.push(chunk);
  expect(csv!.header).toEqual(['i\nd', 't']);
  expect(Buffer.concat(chunks).toString()).toBe('1,x\r\n');
  expect(csv!.where(1)).toBe('rows.csv:3');
});

test('reads a line of NDJSON that is longer than a chunk, and keeps every digit', async () => {
  const long = 'x'.repeat(700_000);
  const source = await open(`\uFEFF{"id":1,"t":"${long}"}\r\n{"id":12345678901234567890}\n{"id":3}`, 'ndjson');
  const rows = await rowsOf(source);
  expect(rows[0]).toEqual({ id: 1, t: long });
  expect(JSON.stringify(rows.slice(1))).toBe('[{"id":12345678901234567890},{"id":3}]');
  expect(source.total).toBe(3);
});

describe('refuses', () => {
  const cases: Record<string, ['csv' | 'ndjson', string | Buffer, RegExp]> = {
    'quotes that do not end': ['csv', 'id,t\n1,"x\n2,y\n', /^dataset "d": rows\.csv:2: the quotes that begin here do not end$/],
    'a row with too few values': ['csv', 'id,t\n1,x\n2\n', /rows\.csv:3: .*columns length is 2, got 1$/],
    'text behind closing quotes': ['csv', 'id,t\n1,"x"y\n', /rows\.csv:2: /],
    'lines that end with a carriage return alone': ['csv', 'id,t\n1,x\r2,y\n', /rows\.csv:2: ends with a carriage return alone/],
    'a column without a name': ['csv', 'id,,t\n1,2,3\n', /rows\.csv:1: column 2 of the header has no name/],
    'a column that comes twice': ['csv', 'id,t,id\n1,2,3\n', /rows\.csv:1: the header names column "id" twice/],
    'CSV without a header': ['csv', '', /rows\.csv:1: has no header/],
    'a line that is no JSON': ['ndjson', '{"id":1}\n{"id":\n', /rows\.ndjson:2: /],
    'a line that is no object': ['ndjson', '{"id":1}\n[1]\n', /rows\.ndjson:2: is not a JSON object/],
    'an empty line': ['ndjson', '{"id":1}\n\n{"id":2}\n', /rows\.ndjson:2: is empty/],
    'what is not UTF-8': ['ndjson', Buffer.from('{"id":1}\n{"id":"\xff"}\n', 'latin1'), /rows\.ndjson:2: is not UTF-8/],
  }; // prettier-ignore
  test.each(Object.entries(cases))('%s', async (_, [format, content, message]) => {
    await expect(open(content, format).then(rowsOf)).rejects.toMatchObject({
      reason: 'InvalidDataset',
      message: expect.stringMatching(message),
    });
  });

  test('a file that is not there', async () => {
    await expect(openSource(datasetOf({ file: { path: join(dir, 'none.csv'), format: 'csv' } }))).rejects.toMatchObject(
      {
        reason: 'InvalidDataset',
        message: expect.stringMatching(/none\.csv cannot be read: .*ENOENT/),
      },
    );
  });

  test('a dataset with two sources, and one with none', () => {
    for (const sources of [{}, { rows: [], generator: { kind: 'products', count: 1 } }])
      expect(() => datasetOf(sources)).toThrow(/exactly one of rows, file and generator/);
  });
});
