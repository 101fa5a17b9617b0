import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startPostgres, type PostgresServer } from '@orderplane/hack/testing/postgres.ts';
import pg from 'pg';
import type { JobResult, SeedResult } from '../contract.ts';
import { runHere, spawnJob } from '../testing/run-job.ts';
import { runSeed } from './index.ts';

let server: PostgresServer;
let admin: pg.Client;
let runs = 0;

beforeAll(async () => {
  server = await startPostgres();
  admin = new pg.Client({ connectionString: server.uri });
  await admin.connect();
  await admin.query('CREATE ROLE keeper');
  await admin.query('GRANT CREATE ON SCHEMA public TO keeper');
});
afterAll(async () => {
  await admin?.end();
  await server?.stop();
});
beforeEach(async () => {
  await admin.query('DROP TABLE IF EXISTS products');
  await admin.query(`SET ROLE keeper`);
  await admin.query(
    `CREATE TABLE products (id text PRIMARY KEY, name varchar(10) NOT NULL, price numeric NOT NULL DEFAULT 1, tags text[], extra json,
       "on Sale" boolean, made timestamptz, sku int UNIQUE, twice numeric GENERATED ALWAYS AS (price * 2) STORED)`,
  );
  await admin.query('RESET ROLE');
});

type Rows = Record<string, unknown>[];
const dataset = (rows: Rows, more: object = {}) => ({
  name: 'catalogue',
  engine: 'postgres',
  database: 'postgres',
  table: 'products',
  key: ['id'],
  mode: 'Upsert',
  rows,
  ...more,
});
const input = (datasets: object[], run = `run-${++runs}`) => ({ datasets, inputHash: 'hash', run });
const seed = (datasets: object[], run?: string): Promise<JobResult<SeedResult>> =>
  runHere(runSeed, input(datasets, run), { POSTGRES_ADMIN_URI: server.uri });
const counted = (inserted: number, updated: number, skipped: number) => ({
  ok: true,
  datasets: [{ name: 'catalogue', inserted, updated, skipped, deleted: 0 }],
});

const RICH: Rows = [
  {
    id: 'p1',
    name: 'Widget',
    price: 199.5,
    tags: ['a', 'b "c"'],
    extra: { deep: [1, null] },
    'on Sale': true,
    made: '2026-11-20T10:00:00Z',
  },
  { id: 'p2', name: 'Gadget', price: 5 },
  { id: 'p3', name: 'Gizmo', price: 7, tags: null },
];

test('Upsert writes what differs and counts it; the same rows again change nothing', async () => {
  expect(await seed([dataset(RICH)])).toEqual(counted(3, 0, 0));
  const before = await admin.query('SELECT xmin::text, * FROM products ORDER BY id');
  expect(before.rows[0]).toMatchObject({
    price: '199.5',
    tags: ['a', 'b "c"'],
    extra: { deep: [1, null] },
    'on Sale': true,
  });
  expect(await seed([dataset(RICH)])).toEqual(counted(0, 0, 3));
  expect((await admin.query('SELECT xmin::text, * FROM products ORDER BY id')).rows).toEqual(before.rows);

  const edited = [...RICH.slice(0, 1), { id: 'p2', name: 'Gadget', price: 6 }, { id: 'p4', name: 'New' }];
  expect(await seed([dataset(edited)])).toEqual(counted(1, 1, 1));
  expect((await admin.query('SELECT id, price FROM products ORDER BY id')).rows).toEqual([
    { id: 'p1', price: '199.5' },
    { id: 'p2', price: '6' },
    { id: 'p3', price: '7' },
    { id: 'p4', price: '1' },
  ]);
});

test('InsertOnly leaves rows that are there as they are', async () => {
  await admin.query(`INSERT INTO products (id, name, price) VALUES ('p2', 'Mine', 1)`);
  expect(await seed([dataset(RICH, { mode: 'InsertOnly' })])).toEqual(counted(2, 0, 1));
  expect((await admin.query(`SELECT name FROM products WHERE id = 'p2'`)).rows).toEqual([{ name: 'Mine' }]);
});

test('a run that is repeated answers with its counts and writes nothing', async () => {
  expect(await seed([dataset(RICH)], 'lost-answer')).toEqual(counted(3, 0, 0));
  await admin.query('DELETE FROM products');
  expect(await seed([dataset(RICH)], 'lost-answer')).toEqual(counted(3, 0, 0));
  expect((await admin.query('SELECT FROM products')).rowCount).toBe(0);
});

test('killed -9 before its commit and run again, it counts every row once', async () => {
  await admin.query('BEGIN');
  await admin.query(`INSERT INTO products (id, name) VALUES ('p3', 'held')`);
  const killed = await spawnJob('seed', input([dataset(RICH)], 'killed'), { POSTGRES_ADMIN_URI: server.uri });
  const watcher = new pg.Client({ connectionString: server.uri });
  await watcher.connect();
  const waiting = `SELECT FROM pg_stat_activity WHERE application_name = 'orderplane-seed killed' AND wait_event_type = 'Lock'`;
  while ((await watcher.query(waiting)).rowCount === 0) await new Promise(setImmediate);
  killed.process.kill('SIGKILL');
  await killed.exited;
  await admin.query('ROLLBACK');
  expect(await seed([dataset(RICH)], 'killed')).toEqual(counted(3, 0, 0));
  await watcher.end();
});

test('two runs over the same rows at once end with every row counted by one of them', async () => {
  const rows = Array.from({ length: 500 }, (_, i) => ({ id: `p${i}`, name: `n${i}`, price: i }));
  const results = await Promise.all([seed([dataset(rows)]), seed([dataset(rows.toReversed())])]);
  const inserted = results.map((result) => (result.ok ? (result.datasets[0]?.inserted ?? 0) : NaN));
  expect(inserted[0]! + inserted[1]!).toBe(500);
});

describe('refuses before the first row is written', () => {
  const good = { id: 'p9', name: 'Good' };
  const cases: Record<string, [object, RegExp]> = {
    'a table that does not exist': [
      dataset([good], { table: 'nope' }),
      /table "nope" does not exist in database "postgres"/,
    ],
    'a column that does not exist': [
      dataset([good, { id: 'x', name: 'x', colour: 1 }]),
      /row 2: column "colour" does not exist in public\.products \(it has id, name/,
    ],
    'a key column that does not exist': [dataset([good], { key: ['code'] }), /key column "code" does not exist/],
    'a key that is not unique': [
      dataset([good], { key: ['name'] }),
      /the key \(name\) is not unique in public\.products/,
    ],
    'a row without its key': [dataset([good, { name: 'x' }]), /row 2: key column "id" has no value/],
    'a key that comes twice': [
      dataset([good, { id: 'a', name: 'a' }, good]),
      /row 3: has the same key as row 1: \["p9"\]/,
    ],
    'null where there must be a value': [dataset([good, { id: 'x', name: null }]), /row 2: column "name" has no value/],
    'a missing value without a default': [dataset([good, { id: 'x' }]), /row 2: column "name" has no value/],
    'a value of another type': [
      dataset([good, { id: 'x', name: 'x', price: 'cheap' }]),
      /row 2: column "price": invalid input syntax for type numeric: "cheap"/,
    ],
    'a value that is too long': [
      dataset([good, { id: 'x', name: 'far too long a name' }]),
      /row 2: column "name": value too long for type character varying\(10\)/,
    ],
    'a value for a computed column': [
      dataset([{ ...good, twice: 1 }]),
      /row 1: column "twice" is computed by the database/,
    ],
  };
  test.each(Object.entries(cases))('%s', async (_, [bad, message]) => {
    const result = await seed([bad]);
    expect(result).toEqual({ ok: false, reason: 'InvalidDataset', message: expect.stringMatching(message) });
    expect((result as { message: string }).message).toMatch(/^dataset "catalogue": /);
    expect((await admin.query('SELECT FROM products')).rowCount).toBe(0);
  });
});

test('what only the write can find out rolls the dataset back, and names it', async () => {
  const rows = [
    { id: 'a', name: 'a', sku: 1 },
    { id: 'b', name: 'b', sku: 1 },
  ];
  expect(await seed([dataset(rows)])).toMatchObject({
    reason: 'SeedRejected',
    message: expect.stringMatching(/^dataset "catalogue": duplicate key .*\(sku\)=\(1\)/),
  });
  expect((await admin.query('SELECT FROM products')).rowCount).toBe(0);
});

test('a run that fails after some of its datasets are written tells their counts', async () => {
  const bad = dataset([{ id: 'a', name: 'far too long a name' }], { name: 'other' });
  expect(await seed([dataset(RICH), bad])).toEqual({
    ok: false,
    reason: 'InvalidDataset',
    message: expect.stringMatching(/^dataset "other": row 1/),
    datasets: [{ name: 'catalogue', inserted: 3, updated: 0, skipped: 0, deleted: 0 }],
  });
});

test('Replace without a confirmation, or without rows, deletes nothing', async () => {
  expect(await seed([dataset(RICH)])).toMatchObject({ ok: true });
  expect(await seed([dataset(RICH.slice(1), { mode: 'Replace' })])).toMatchObject({ reason: 'NotConfirmed' });
  const empty = { ...input([dataset([], { mode: 'Replace' })]), confirmed: true };
  expect(await runHere(runSeed, empty, { POSTGRES_ADMIN_URI: server.uri })).toMatchObject({
    reason: 'InvalidDataset',
    message: expect.stringMatching(/it has no rows/),
  });
  expect((await admin.query('SELECT FROM products')).rowCount).toBe(3);
});

test('of two Jobs on one table one waits and says for whom, and has the table when the other was killed', async () => {
  await admin.query('BEGIN');
  await admin.query(`INSERT INTO products (id, name) VALUES ('p3', 'held')`);
  const env = { POSTGRES_ADMIN_URI: server.uri };
  const holder = await spawnJob('seed', input([dataset(RICH)], 'holder'), env);
  const waiting = `SELECT FROM pg_stat_activity WHERE application_name = 'orderplane-seed holder' AND wait_event_type = 'Lock'`;
  const watcher = new pg.Client({ connectionString: server.uri });
  await watcher.connect();
  while ((await watcher.query(waiting)).rowCount === 0) await new Promise(setImmediate);
  await watcher.end();
  const waiter = await spawnJob('seed', input([dataset(RICH)], 'waiter'), env);
  expect(JSON.parse(await waiter.logged('lockHolder'))).toMatchObject({
    lockHolder: expect.stringMatching(/^orderplane-seed holder \(pid \d+\)$/),
    msg: expect.stringMatching(/which holds the lock for seeding public\.products$/),
  });
  holder.process.kill('SIGKILL');
  await holder.exited;
  await admin.query('ROLLBACK');
  expect(JSON.parse((await waiter.exited).result)).toEqual(counted(3, 0, 0));
}, 30_000);
