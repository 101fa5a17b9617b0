/** Tables of all kinds: what they do to rows, and what is said of it, by the database itself. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startPostgres, type PostgresServer } from '@orderplane/hack/testing/postgres.ts';
import pg from 'pg';
import { runHere } from '../testing/run-job.ts';
import { runSeed } from './index.ts';

let server: PostgresServer;
let admin: pg.Client;
let runs = 0;

beforeAll(async () => {
  server = await startPostgres();
  admin = new pg.Client({ connectionString: server.uri });
  await admin.connect();
  await admin.query('CREATE ROLE keeper');
});
afterAll(async () => {
  await admin?.end();
  await server?.stop();
});
beforeEach(async () => {
  await admin.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO keeper');
});

type Rows = Record<string, unknown>[];
const dataset = (table: string, rows: Rows, more: object = {}) => ({ name: table, engine: 'postgres', database: 'postgres', table, key: ['id'], mode: 'Upsert', rows, ...more }); // prettier-ignore
const seed = (datasets: object[], run = `run-${++runs}`) =>
  runHere(runSeed, { datasets, inputHash: 'h', run, confirmed: true }, { POSTGRES_ADMIN_URI: server.uri });
const counts = (inserted: number, updated: number, skipped: number, deleted = 0) => ({ inserted, updated, skipped, deleted }); // prettier-ignore
const asKeeper = (sql: string) => admin.query(`SET ROLE keeper; ${sql}; RESET ROLE`);
const rowsOf = async (sql: string) => (await admin.query({ text: sql, rowMode: 'array' })).rows;

describe('a partitioned table', () => {
  const row = (id: number, region: string, price = 1) => ({ id, region, price });
  const key = ['id', 'region'];
  const partitions = () => rowsOf('SELECT tableoid::regclass::text, id, price FROM sales ORDER BY id');
  beforeEach(() =>
    asKeeper(`CREATE TABLE sales (id int, region text, price int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
      CREATE TABLE sales_eu PARTITION OF sales FOR VALUES IN ('eu');
      CREATE TABLE sales_us PARTITION OF sales FOR VALUES IN ('us')`),
  );

  test('has its rows in the partitions where they belong, and counts them as any other', async () => {
    const first = [row(1, 'eu'), row(2, 'us'), row(3, 'us')];
    expect(await seed([dataset('sales', first, { key })])).toMatchObject({ datasets: [counts(3, 0, 0)] });
    const second = [row(1, 'eu', 2), row(2, 'us'), row(4, 'eu')];
    expect(await seed([dataset('sales', second, { key, mode: 'Replace' })])).toMatchObject({ datasets: [counts(1, 1, 1, 1)] }); // prettier-ignore
    expect(await partitions()).toEqual([
      ['sales_eu', 1, 2],
      ['sales_us', 2, 1],
      ['sales_eu', 4, 1],
    ]);
  });

  test('counts a row that somebody else inserts meanwhile as changed', async () => {
    const other = new pg.Client({ connectionString: server.uri });
    await other.connect();
    await other.query(`BEGIN; INSERT INTO sales VALUES (2, 'us', 7)`);
    const seeding = seed([dataset('sales', [row(1, 'eu'), row(2, 'us')], { key })]);
    const waits = `SELECT FROM pg_stat_activity WHERE application_name LIKE 'orderplane-seed%' AND wait_event_type = 'Lock'`;
    while ((await admin.query(waits)).rowCount === 0) await new Promise(setImmediate);
    await other.query('COMMIT');
    expect(await seeding).toMatchObject({ datasets: [counts(1, 1, 0)] });
    expect(await partitions()).toEqual([
      ['sales_eu', 1, 1],
      ['sales_us', 2, 1],
    ]);
    await other.end();
  });

  test('takes nothing where a row has no partition, and the message has that row', async () => {
    const result = await seed([dataset('sales', [row(1, 'eu'), row(2, 'asia')], { key })]);
    expect(result).toMatchObject({ reason: 'SeedRejected', message: expect.stringContaining('(region) = (asia)') });
    expect(await partitions()).toEqual([]);
  });
});

describe('tables with a foreign key', () => {
  const products = dataset('products', [{ id: 'p1' }, { id: 'p2' }]);
  const prices = (...of: string[]) => dataset('prices', of.map((product, i) => ({ id: i, product }))); // prettier-ignore
  const make = (deferral: string) =>
    asKeeper(`CREATE TABLE products (id text PRIMARY KEY);
      CREATE TABLE prices (id int PRIMARY KEY, product text REFERENCES products ${deferral})`);

  test('are written in the order of the datasets', async () => {
    await make('');
    expect(await seed([products, prices('p1', 'p2')])).toMatchObject({ datasets: [counts(2, 0, 0), counts(2, 0, 0)] });
  });

  test.each([
    ['at once', '', []],
    ['at once, into rows that are there', '', [[0, 'p1']]],
    ['at the commit', 'DEFERRABLE INITIALLY DEFERRED', []],
  ])('name what is missing, and take nothing, where that is noticed %s', async (_, deferral, before) => {
    await make(deferral);
    expect(await seed([products])).toMatchObject({ ok: true });
    for (const row of before) await admin.query('INSERT INTO prices VALUES ($1, $2)', row);
    expect(await seed([prices('p1', 'p2', 'p3')])).toMatchObject({
      reason: 'SeedRejected',
      message: expect.stringMatching(/^dataset "prices": .*foreign key.*\(Key \(product\)=\(p3\) is not present in table "products"\.\)/), // prettier-ignore
    });
    expect(await rowsOf('SELECT id, product FROM prices')).toEqual(before);
  });

  test('keep what others refer to, and say so, where a Replace would delete it', async () => {
    await make('');
    await seed([products, prices('p1', 'p2')]);
    expect(await seed([dataset('products', [{ id: 'p1' }], { mode: 'Replace' })])).toMatchObject({
      reason: 'SeedRejected',
      message: expect.stringContaining('Key (id)=(p2) is still referenced from table "prices"'),
    });
    expect(await rowsOf('SELECT id FROM products ORDER BY 1')).toEqual([['p1'], ['p2']]);
  });
});

describe('a table with triggers', () => {
  const trigger = (when: string, body: string) =>
    asKeeper(`CREATE TABLE goods (id int PRIMARY KEY, name text, seen_by text);
      CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body} END $$;
      CREATE TRIGGER act ${when} ON goods FOR EACH ROW EXECUTE FUNCTION act()`);
  const goods = (...names: string[]) => dataset('goods', names.map((name, id) => ({ id, name }))); // prettier-ignore

  test('runs them as the owner of the table, also where it is empty', async () => {
    await trigger('BEFORE INSERT', 'NEW.seen_by := current_user; RETURN NEW;');
    expect(await seed([goods('a', 'b')])).toMatchObject({ datasets: [counts(2, 0, 0)] });
    expect(await rowsOf('SELECT DISTINCT seen_by FROM goods')).toEqual([['keeper']]);
  });

  test('counts what came in, not what a trigger kept out', async () => {
    await trigger('BEFORE INSERT OR UPDATE', `IF NEW.name LIKE 'no%' THEN RETURN NULL; END IF; RETURN NEW;`);
    expect(await seed([goods('yes', 'no', 'yes')])).toMatchObject({ datasets: [counts(2, 0, 1)] });
    expect(await seed([goods('no 2', 'no', 'other')])).toMatchObject({ datasets: [counts(0, 1, 2)] });
    expect(await rowsOf('SELECT id, name FROM goods ORDER BY id')).toEqual([[0, 'yes'], [2, 'other']]); // prettier-ignore
  });

  test('is not disturbed where nothing differs', async () => {
    await trigger('BEFORE INSERT OR UPDATE', `NEW.seen_by := coalesce(OLD.seen_by, '') || 'x'; RETURN NEW;`);
    await seed([goods('a', 'b')]);
    expect(await seed([goods('a', 'c')])).toMatchObject({ datasets: [counts(0, 1, 1)] });
    expect(await rowsOf('SELECT seen_by FROM goods ORDER BY id')).toEqual([['x'], ['xx']]);
  });

  test('tells what a trigger refuses, in its own words', async () => {
    await trigger('BEFORE INSERT', `RAISE EXCEPTION 'goods are closed';`);
    expect(await seed([goods('a')])).toMatchObject({ reason: 'SeedRejected', message: 'dataset "goods": goods are closed' }); // prettier-ignore
  });
});

describe('a table with row-level security', () => {
  const goods = (mode: string, ...rows: Rows) => dataset('goods', rows, { mode });
  const row = (id: number, tenant: string) => ({ id, tenant });
  beforeEach(async () => {
    await asKeeper(`CREATE TABLE goods (id int PRIMARY KEY, tenant text);
      ALTER TABLE goods ENABLE ROW LEVEL SECURITY; CREATE POLICY ours ON goods USING (tenant = 'a')`);
    await admin.query(`INSERT INTO goods VALUES (1, 'a'), (2, 'b')`);
  });
  const table = () => rowsOf('SELECT id, tenant FROM goods ORDER BY id');

  test('is its owner’s as a whole', async () => {
    expect(await seed([goods('Replace', row(1, 'a'), row(3, 'b'))])).toMatchObject({ datasets: [counts(1, 0, 1, 1)] });
    expect(await table()).toEqual([[1, 'a'], [3, 'b']]); // prettier-ignore
  });

  describe('which is forced on the owner', () => {
    beforeEach(async () => void (await admin.query('ALTER TABLE goods FORCE ROW LEVEL SECURITY')));

    test('is left alone where its policies hide it, and counts what they show', async () => {
      expect(await seed([goods('Replace', row(3, 'a'))])).toMatchObject({ datasets: [counts(1, 0, 0, 1)] });
      expect(await table()).toEqual([[2, 'b'], [3, 'a']]); // prettier-ignore
    });

    test.each([
      ['a row that they do not let in', row(3, 'b')],
      ['a row whose key one has that they hide', row(2, 'a')],
    ])('refuses %s, and takes nothing', async (_, bad) => {
      expect(await seed([goods('Upsert', row(4, 'a'), bad)])).toMatchObject({
        reason: 'SeedRejected',
        message: expect.stringMatching(/^dataset "goods": new row violates row-level security policy .*for table "goods"/), // prettier-ignore
      });
      expect(await table()).toEqual([[1, 'a'], [2, 'b']]); // prettier-ignore
    });
  });
});

test('a run table of the first release gets the columns that it lacks, and what it knows stays', async () => {
  await asKeeper('CREATE TABLE goods (id int PRIMARY KEY)');
  await admin.query(
    `CREATE TABLE orderplane_seed_runs (run text NOT NULL, dataset text NOT NULL, input_hash text NOT NULL, inserted bigint NOT NULL DEFAULT 0,
       updated bigint NOT NULL DEFAULT 0, skipped bigint NOT NULL DEFAULT 0, started_at timestamptz NOT NULL DEFAULT now(), finished_at timestamptz,
       PRIMARY KEY (run, dataset));
     INSERT INTO orderplane_seed_runs VALUES ('old', 'goods', 'h', 5, 1, 2, now(), now())`,
  );
  expect(await seed([dataset('goods', [{ id: 1 }])], 'old')).toMatchObject({ datasets: [counts(5, 1, 2)] });
  expect(await rowsOf('SELECT id FROM goods')).toEqual([]);
  expect(await seed([dataset('goods', [{ id: 1 }, { id: 2 }])], 'new')).toMatchObject({ datasets: [counts(2, 0, 0)] });
  expect(await seed([dataset('goods', [{ id: 1 }], { mode: 'Replace' })], 'newer')).toMatchObject({ datasets: [counts(0, 0, 1, 1)] }); // prettier-ignore
  expect(await rowsOf('SELECT run, inserted::int, deleted::int FROM orderplane_seed_runs ORDER BY started_at')).toEqual(
    [
      ['old', 5, 0],
      ['new', 2, 0],
      ['newer', 0, 1],
    ],
  );
});
