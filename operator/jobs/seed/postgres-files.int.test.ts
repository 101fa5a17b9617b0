import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startPostgres, type PostgresServer } from '@orderplane/hack/testing/postgres.ts';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { runHere } from '../testing/run-job.ts';
import { runSeed } from './index.ts';

let server: PostgresServer;
let admin: pg.Client;
let dir: string;
let runs = 0;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'orderplane-seed-'));
  server = await startPostgres();
  admin = new pg.Client({ connectionString: server.uri });
  await admin.connect();
});
afterAll(async () => {
  await admin?.end();
  await server?.stop();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  await admin.query('DROP TABLE IF EXISTS goods');
  await admin.query(
    `CREATE TABLE goods (id text PRIMARY KEY, name varchar(10) NOT NULL, price numeric CHECK (price < 1000), tags text[], extra jsonb, sold boolean DEFAULT false)`,
  );
});

const seed = async (source: object, more: object = {}) => {
  const dataset = { name: 'goods', engine: 'postgres', database: 'postgres', table: 'goods', key: ['id'], mode: 'Upsert', ...source, ...more }; // prettier-ignore
  const input = { datasets: [dataset], inputHash: 'h', run: `run-${++runs}`, confirmed: true };
  return runHere(runSeed, input, { POSTGRES_ADMIN_URI: server.uri });
};
async function fileOf(format: 'csv' | 'ndjson', content: string | Buffer) {
  const path = join(dir, `goods.${format}`);
  await writeFile(path, content);
  return { file: { path, format } };
}
const table = async () => (await admin.query<object>('SELECT * FROM goods ORDER BY id')).rows;
const counted = (inserted: number, updated: number, skipped: number, deleted = 0) => ({
  ok: true,
  datasets: [{ name: 'goods', inserted, updated, skipped, deleted }],
});

const CSV = `id,name,price,tags,extra
g1,"Mug, red",1.50,"{a,""b c""}","{""n"": 1}"
g2,"a\\b
c",,{},null
g3,"",007,,
`;
const AS_TABLE = [
  { id: 'g1', name: 'Mug, red', price: '1.50', tags: ['a', 'b c'], extra: { n: 1 }, sold: false },
  { id: 'g2', name: 'a\\b\nc', price: null, tags: [], extra: null, sold: false },
  { id: 'g3', name: '', price: '7', tags: null, extra: null, sold: false },
];
const NDJSON = `{"id":"g1","name":"Mug, red","price":1.50,"tags":["a","b c"],"extra":{"n":1}}
{"id":"g2","name":"a\\\\b\\nc","price":null,"tags":[]}
{"id":"g3","name":"","price":"007"}
`;

test.each([
  ['csv', CSV],
  ['ndjson', NDJSON],
] as const)('%s comes into the table as it is, by every way in', async (format, content) => {
  const file = await fileOf(format, content);
  const expected = AS_TABLE.map((row) => ({ ...row, price: format === 'ndjson' && row.price ? String(Number(row.price)) : row.price })); // prettier-ignore
  // Into an empty table it is copied; then compared; then what differs or is not there is written, and what is too much deleted.
  expect(await seed(file)).toEqual(counted(3, 0, 0));
  expect(await table()).toEqual(expected);
  expect(await seed(file)).toEqual(counted(0, 0, 3));
  await admin.query(`UPDATE goods SET tags = '{other}', sold = true WHERE id = 'g1'`);
  await admin.query(`DELETE FROM goods WHERE id = 'g3'`);
  await admin.query(`INSERT INTO goods VALUES ('g9', 'too much')`);
  expect(await seed(file, { mode: 'Replace' })).toEqual(counted(1, 1, 1, 1));
  expect(await table()).toEqual(expected.map((row) => (row.id === 'g1' ? { ...row, sold: true } : row)));
});

describe('tells the line, and writes nothing, when there is', () => {
  const cases: Record<string, ['csv' | 'ndjson', string | Buffer, RegExp]> = {
    'a value of another type': ['csv', 'id,name,price\n1,x,1\n2,"a\nb",cheap\n', /goods\.csv:4: column "price": invalid input syntax for type numeric: "cheap"$/],
    'a value that is too long': ['csv', 'id,name\n1,x\n2,far too long a name\n', /goods\.csv:3: column "name": value too long for type character varying\(10\)$/],
    'nothing where there must be a value': ['csv', 'id,name\n1,x\n2,\n', /goods\.csv:3: column "name" has no value, and may not be null$/],
    'nothing for the key': ['csv', 'id,name\n,x\n', /goods\.csv:2: key column "id" has no value$/],
    'a row that is too short': ['csv', 'id,name\n1,x\n2\n', /goods\.csv:3: missing data for column "name"$/],
    'a row that is too long': ['csv', 'id,name\n1,x,y\n', /goods\.csv:2: extra data after last expected column$/],
    'a column that the table has not': ['csv', 'id,name,colour\n1,x,red\n', /column "colour" does not exist in public\.goods/],
    'no column that must be there': ['csv', 'id,price\n1,2\n', /column "name" has no value/],
    'a key that comes twice': ['csv', 'id,name\n1,"x\ny"\n2,z\n1,x\n', /goods\.csv:5: has the same key as goods\.csv:2: \["1"\]$/],
    'what is not UTF-8': ['csv', Buffer.from('id,name\n1,x\n2,\xff\n', 'latin1'), /goods\.csv:3: invalid byte sequence for encoding "UTF8": 0xff$/],
    'what ends the data for Postgres': ['csv', 'id,name\n1,x\n\\.\n2,y\n', /goods\.csv:3: holds only \\\., which Postgres takes for the end/],
    'a value of another type in JSON': ['ndjson', '{"id":1,"name":"x"}\n{"id":2,"name":"y","price":"cheap"}\n', /goods\.ndjson:2: column "price": invalid input/],
    'null where there must be a value': ['ndjson', '{"id":1,"name":"x"}\n{"id":2,"name":null}\n', /goods\.ndjson:2: column "name" has no value/],
    'an object for a text': ['ndjson', '{"id":1,"name":{"first":"x"}}\n', /goods\.ndjson:1: column "name": an object is no character varying\(10\)/],
    'half a line': ['ndjson', '{"id":1,"name":"x"}\n{"id":2,"na', /goods\.ndjson:2: /],
  }; // prettier-ignore
  test.each(Object.entries(cases))('%s', async (_, [format, content, message]) => {
    // Rows in the table or not decides on the way in.
    for (const isEmpty of [true, false]) {
      if (!isEmpty) await admin.query(`INSERT INTO goods VALUES ('1', 'mine', 5)`);
      const before = await table();
      expect(await seed(await fileOf(format, content))).toEqual({
        ok: false,
        reason: 'InvalidDataset',
        message: expect.stringMatching(message),
      });
      expect(await table()).toEqual(before);
    }
  });
});

test('a constraint that only the table knows is told with the row, and the dataset rolled back', async () => {
  expect(await seed(await fileOf('csv', 'id,name,price\n1,x,1\n2,y,1000\n'))).toEqual({
    ok: false,
    reason: 'SeedRejected',
    message: expect.stringMatching(/^dataset "goods": .*violates check constraint "goods_price_check" \(Failing row contains \(2, y, 1000/),
  });
  expect(await table()).toEqual([]);
}); // prettier-ignore

test('every digit of a number in NDJSON arrives', async () => {
  await seed(await fileOf('ndjson', '{"id":"g","name":"n","price":0.12345678901234567890,"extra":{"n":12345678901234567890}}'));
  const { rows } = await admin.query('SELECT price::text, extra::text FROM goods');
  expect(rows).toEqual([{ price: '0.12345678901234567890', extra: '{"n": 12345678901234567890}' }]);
}); // prettier-ignore

test("the generator fills inventory's table, and the columns that a wider one has for it", async () => {
  const migration = new URL('../../../services/inventory/migrations/0001_products.up.sql', import.meta.url);
  await admin.query(await readFile(fileURLToPath(migration), 'utf8'));
  const generator = { kind: 'products', count: 2_500, seed: 4 };
  const target = { generator, table: 'products' };
  expect(await seed(target)).toEqual(counted(2_500, 0, 0));
  await admin.query('ALTER TABLE products ADD COLUMN category text, ADD COLUMN rating int');
  expect(await seed(target)).toEqual(counted(0, 2_500, 0));
  const { rows } = await admin.query(`SELECT * FROM products WHERE id = 'product-0000001'`);
  expect(rows).toEqual([
    { id: 'product-0000001', name: expect.any(String), price: expect.any(Number), category: expect.any(String), rating: null }, // prettier-ignore
  ]);
  await admin.query(`ALTER TABLE products ADD COLUMN supplier text NOT NULL DEFAULT '?'`);
  await admin.query('ALTER TABLE products ALTER COLUMN supplier DROP DEFAULT');
  expect(await seed(target)).toMatchObject({ message: expect.stringMatching(/row 1: column "supplier" has no value/) });
});
