import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startPostgres, type PostgresServer } from '@orderplane/hack/testing/postgres.ts';
import pg from 'pg';
import { connectTo, postgresTarget, type Files } from '../testing/postgres-target.ts';
import { runHere, sourceFolder } from '../testing/run-job.ts';
import { runMigrate } from './index.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

const target = (files?: Files) => postgresTarget(server.uri, files);

const TABLES = {
  '0002_second.up.sql': 'create table second (id int primary key references first);',
  '10_last.up.sql': 'create table last (id int);\r\ninsert into last values (1);',
  '0001_first.up.sql': 'create table first (id int primary key);',
  '0001_first.down.sql': 'drop table first;',
};

test('applies what is pending in the order of the numbers, as the owner, and nothing the second time', async () => {
  const db = await target(TABLES);
  const first = await db.migrate();
  expect(first).toMatchObject({ ok: true, currentVersion: '10', appliedByThisRun: 3, pending: [] });
  const owners = await db.client.query(
    `SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public' ORDER BY 1`,
  );
  expect(owners.rows).toEqual([
    { tablename: 'first', tableowner: `${db.database}_owner` },
    { tablename: 'last', tableowner: `${db.database}_owner` },
    { tablename: 'orderplane_migrations', tableowner: 'postgres' },
    { tablename: 'second', tableowner: `${db.database}_owner` },
  ]);
  const crlfElsewhere = { ...TABLES, '10_last.up.sql': TABLES['10_last.up.sql'].replace('\r\n', '\n') };
  expect(await db.migrate(crlfElsewhere, { run: 'second' })).toMatchObject({
    ok: true,
    currentVersion: '10',
    appliedByThisRun: 0,
  });
  expect(await db.ledger()).toEqual(['0001', '0002', '10'].map((version) => ({ version, run: 'first' })));
  await db.end();
});

test('an older source on a newer database has nothing to do', async () => {
  const db = await target(TABLES);
  await db.migrate();
  const older = { '0001_first.up.sql': TABLES['0001_first.up.sql'] };
  expect(await db.migrate(older, { run: 'older' })).toMatchObject({
    ok: true,
    currentVersion: '10',
    appliedByThisRun: 0,
    isAhead: true,
  });
  await db.end();
});

test('settings of one file do not reach the next', async () => {
  const db = await target({
    '1_dump.up.sql': `set search_path = ''; set local lock_timeout = 1; set role none; create table public.a (id int);`,
    '2_plain.up.sql': 'create table b (id int);',
  });
  expect(await db.migrate(undefined, { policy: { destructive: 'Allow' } })).toMatchObject({
    ok: true,
    appliedByThisRun: 2,
  });
  const { rows } = await db.client.query(
    `SELECT tableowner FROM pg_tables WHERE tablename = 'b' AND schemaname = 'public'`,
  );
  expect(rows).toEqual([{ tableowner: `${db.database}_owner` }]);
  await db.end();
});

/** The second file waits for a lock of the test's, so that a run can be stopped in its middle. */
const WAITING = {
  '1_a.up.sql': 'create table a (id int);',
  '2_b.up.sql': 'create table b (id int);\nselect pg_advisory_xact_lock(42);\ninsert into b values (1);',
  '3_c.up.sql': 'create table c (id int);',
};

async function blockedIn(client: pg.Client): Promise<void> {
  const query = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 42 AND NOT granted`;
  while ((await client.query(query)).rowCount === 0) await new Promise(setImmediate);
}

test('killed -9 in the middle and run again, each file is applied once', async () => {
  const db = await target(WAITING);
  await db.client.query('SELECT pg_advisory_lock(42)');
  const killed = await db.spawn('killed');
  await killed.logged('applying 2_b.up.sql');
  await blockedIn(db.client);
  killed.process.kill('SIGKILL');
  expect(await killed.exited).toMatchObject({ signal: 'SIGKILL' });
  expect(await db.ledger()).toEqual([{ version: '1', run: 'killed' }]);

  // The dead one's lock goes by itself, while the test still holds up its statement.
  const again = await db.spawn('again');
  await again.logged('applying 2_b.up.sql');
  await db.client.query('SELECT pg_advisory_unlock(42)');
  expect(await again.exited).toMatchObject({ code: 0 });
  expect(await db.ledger()).toEqual([
    { version: '1', run: 'killed' },
    { version: '2', run: 'again' },
    { version: '3', run: 'again' },
  ]);
  expect((await db.client.query('SELECT id FROM b')).rows).toEqual([{ id: 1 }]);
  await db.end();
});

test('two runs at once: one applies, the other waits, says for whom, and finds nothing to do', async () => {
  const db = await target(WAITING);
  await db.client.query('SELECT pg_advisory_lock(42)');
  const first = await db.spawn('first');
  await blockedIn(db.client);
  const second = await db.spawn('second');
  expect(await second.logged('waiting for')).toContain('orderplane-migrate first');
  await db.client.query('SELECT pg_advisory_unlock(42)');
  for (const { code, result } of await Promise.all([first.exited, second.exited])) {
    expect({ code, ...JSON.parse(result) }).toMatchObject({ code: 0, currentVersion: '3' });
  }
  expect((await db.ledger()).map(({ run }) => run)).toEqual(['first', 'first', 'first']);
  await db.end();
});

test('asked to stop, it says so and leaves the file for later', async () => {
  const db = await target(WAITING);
  await db.client.query('SELECT pg_advisory_lock(42)');
  const stopped = await db.spawn('stopped');
  await blockedIn(db.client);
  stopped.process.kill('SIGTERM');
  const { code, result } = await stopped.exited;
  expect({ code, ...JSON.parse(result) }).toMatchObject({ code: 1, ok: false, reason: 'Interrupted' });
  expect(await db.ledger()).toEqual([{ version: '1', run: 'stopped' }]);
  await db.end();
});

test('goes on by itself after Postgres was killed under it', async () => {
  const db = await target(WAITING);
  await db.client.query('SELECT pg_advisory_lock(42)');
  const running = db.migrate(WAITING, { run: 'survivor' });
  await blockedIn(db.client);
  await server.kill();
  await server.start();
  expect(await running).toMatchObject({ ok: true, currentVersion: '3' });
  const client = await connectTo(server.uri, db.database);
  expect((await client.query('SELECT count(*)::int AS n FROM b')).rows).toEqual([{ n: 1 }]);
  await client.end();
});

test('wrong credentials are told without the password', async () => {
  const uri = new URL(server.uri);
  uri.password = 'not-the-password';
  const source = await sourceFolder(TABLES);
  const input = { engine: 'postgres', database: 'postgres', source: { dir: source.dir }, run: 'x' };
  const result = await runHere(runMigrate, input, { ADMIN_URI: uri.href });
  expect(result).toMatchObject({ ok: false, reason: 'AuthenticationFailed' });
  expect(JSON.stringify(result)).not.toContain('not-the-password');
  await source.remove();
});
