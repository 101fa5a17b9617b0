import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startPostgres, type PostgresServer } from '@orderplane/hack/testing/postgres.ts';
import pg from 'pg';
import { withDatabase } from '../postgres.ts';
import { runHere } from '../testing/run-job.ts';
import { runProvision } from './index.ts';

let server: PostgresServer;
const passwords = { WRITER: 'writer-secret', READER: "reader-'secret\\", OWNER: 'owner-secret', OTHER: 'other-secret' };

beforeAll(async () => {
  server = await startPostgres();
  expect(await provision(wanted())).toMatchObject({ ok: true });
  await as('postgres', async (admin) => {
    await admin.query('SET ROLE "shop-db_owner"');
    await admin.query('CREATE TABLE existing (id int PRIMARY KEY, n int GENERATED ALWAYS AS IDENTITY)');
    await admin.query('CREATE SCHEMA later CREATE TABLE items (id int)');
    await admin.query('INSERT INTO existing VALUES (1)');
  });
});
afterAll(() => server?.stop());

const ROLES = [
  { name: 'writer_1', passwordEnv: 'WRITER', access: 'ReadWrite' },
  { name: 'read-er_1', passwordEnv: 'READER', access: 'ReadOnly' },
  { name: 'owner_1', passwordEnv: 'OWNER', access: 'Owner' },
];
function wanted(roles: object[] = ROLES) {
  return {
    postgres: {
      databases: [{ name: 'shop-db', owner: 'shop-db_owner' }],
      roles: roles.map((role) => ({ database: 'shop-db', ...role })),
    },
  };
}

const provision = (input: unknown, env: Record<string, string> = passwords) =>
  runHere(runProvision, input, { POSTGRES_ADMIN_URI: server.uri, ...env });

async function as<T>(
  role: string,
  use: (client: pg.Client) => Promise<T>,
  password?: string,
  database = 'shop-db',
): Promise<T> {
  const url = new URL(withDatabase(server.uri, database));
  if (role !== 'postgres') {
    url.username = encodeURIComponent(role);
    url.password = encodeURIComponent(
      password ?? passwords[ROLES.find(({ name }) => name === role)?.passwordEnv as 'WRITER'],
    );
  }
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

const run = (role: string, sql: string) => as(role, (client) => client.query(sql));

describe.each(['writer_1', 'read-er_1'])('%s cannot run DDL', (role) => {
  test.each([
    'CREATE TABLE t (id int)',
    'CREATE TABLE later.t (id int)',
    'CREATE TEMP TABLE t (id int)',
    'CREATE SCHEMA s',
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql RETURN 1',
    'ALTER TABLE existing ADD COLUMN c int',
    'CREATE INDEX i ON existing (n)',
    'TRUNCATE existing',
    'DROP TABLE existing',
    'SET ROLE "shop-db_owner"',
    'CREATE ROLE r',
    'CREATE DATABASE d',
  ])('%s', async (sql) => {
    await expect(run(role, sql)).rejects.toMatchObject({ code: '42501' });
  });
});

test('ReadWrite reads and writes what the owner has made, before or after, in any schema', async () => {
  await run('writer_1', 'INSERT INTO existing VALUES (2)');
  await run('writer_1', 'UPDATE existing SET id = 3 WHERE id = 2');
  await run('writer_1', 'DELETE FROM existing WHERE id = 3');
  await run('writer_1', 'INSERT INTO later.items VALUES (1)');
});

test('ReadOnly reads, and writes nothing', async () => {
  expect((await run('read-er_1', 'SELECT id FROM existing')).rows).toEqual([{ id: 1 }]);
  await expect(run('read-er_1', 'INSERT INTO existing VALUES (9)')).rejects.toMatchObject({ code: '42501' });
});

test('Owner runs DDL, and what it makes belongs to the owner and is open to the others', async () => {
  await run('owner_1', 'CREATE TABLE made (id int); ALTER TABLE made ADD COLUMN n int');
  const { rows } = await run('writer_1', `SELECT tableowner FROM pg_tables WHERE tablename = 'made'`);
  expect(rows).toEqual([{ tableowner: 'shop-db_owner' }]);
  await run('writer_1', 'INSERT INTO made VALUES (1, 1)');
});

test('a role of another database cannot connect', async () => {
  const other = {
    postgres: {
      databases: [{ name: 'other', owner: 'other_owner' }],
      roles: [{ name: 'other_1', passwordEnv: 'OTHER', database: 'other', access: 'ReadWrite' }],
    },
  };
  expect(await provision(other)).toMatchObject({ ok: true });
  await expect(as('other_1', async () => {}, passwords.OTHER)).rejects.toMatchObject({ code: '42501' });
});

test('changes nothing the second time', async () => {
  expect(await provision(wanted())).toEqual({ ok: true, changes: 0 });
});

test('sets a password that does not work any more, and only that', async () => {
  expect(await provision(wanted(), { ...passwords, WRITER: 'rotated-secret' })).toEqual({ ok: true, changes: 1 });
  await as('writer_1', async () => {}, 'rotated-secret');
  await expect(as('writer_1', async () => {}, passwords.WRITER)).rejects.toMatchObject({ code: '28P01' });
  expect(await provision(wanted())).toEqual({ ok: true, changes: 1 });
});

test('takes back what a narrower access no longer includes', async () => {
  const narrowed = ROLES.map((role) => ({ ...role, access: 'ReadOnly' }));
  expect(await provision(wanted(narrowed))).toMatchObject({ ok: true });
  for (const role of ['writer_1', 'owner_1']) {
    await expect(run(role, 'INSERT INTO existing VALUES (9)')).rejects.toMatchObject({ code: '42501' });
    await expect(run(role, 'CREATE TABLE t (id int)')).rejects.toMatchObject({ code: '42501' });
    await run(role, 'SELECT FROM existing');
  }
  expect(await provision(wanted())).toMatchObject({ ok: true });
  await run('owner_1', 'CREATE TABLE again (id int)');
  await run('writer_1', 'INSERT INTO again VALUES (1)');
});

test('several at once on an empty server end in one result', async () => {
  const fresh = await startPostgres();
  try {
    const results = await Promise.all(
      [1, 2, 3].map(() => runHere(runProvision, wanted(), { ...passwords, POSTGRES_ADMIN_URI: fresh.uri })),
    );
    expect(results.map((result) => (result.ok ? Math.min(result.changes, 1) : result)).sort()).toEqual([0, 0, 1]);
  } finally {
    await fresh.stop();
  }
});

test.each([
  [
    'a role without a password',
    wanted([{ name: 'x_1', passwordEnv: 'NONE', access: 'ReadOnly' }]),
    'SecretMissing',
    /password of x_1 is missing: NONE/,
  ],
  [
    'a database that is not listed',
    wanted([{ name: 'x_1', passwordEnv: 'OTHER', database: 'gone', access: 'ReadOnly' }]),
    'InvalidInput',
    /"gone", which is not listed/,
  ],
  [
    "the administrator's own role",
    wanted([{ name: 'postgres', passwordEnv: 'OTHER', access: 'ReadOnly' }]),
    'InvalidInput',
    /administrator's own/,
  ],
  [
    'an unknown access',
    wanted([{ name: 'x_1', passwordEnv: 'OTHER', access: 'All' }]),
    'InvalidInput',
    /postgres\.roles\.0\.access/,
  ],
])('refuses %s', async (_, input, reason, message) => {
  expect(await provision(input)).toEqual({ ok: false, reason, message: expect.stringMatching(message) });
});
