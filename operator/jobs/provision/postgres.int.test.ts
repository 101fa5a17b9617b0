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

test('two platforms that use one server do not take each other’s roles away', async () => {
  const of = (forPlatform: string, ended: string[] = []) => ({
    postgres: {
      databases: [{ name: 'shared-db', owner: 'shared-db_owner' }],
      roles: [{ name: 'shared_1', passwordEnv: 'WRITER', access: 'ReadWrite', database: 'shared-db' }],
      ended: ended.map((name) => ({ name, database: 'shared-db' })),
      forPlatform,
    },
  });
  expect(await provision(of('a/shop'))).toMatchObject({ ok: true });
  const refused = await provision(of('b/shop'), { WRITER: 'another-secret' });
  expect(refused).toMatchObject({ ok: false, reason: 'LoginTaken', message: expect.stringContaining('role shared_1 is of OrderPlatform a/shop') });
  expect(await provision(of('a/shop'))).toEqual({ ok: true, changes: 0 });
  const nobodys = { postgres: { ...of('b/shop', ['shared_1']).postgres, roles: [] } };
  expect(await provision(nobodys)).toEqual({ ok: true, changes: 0 });

  await as('postgres', (admin) => admin.query(`COMMENT ON ROLE "shared_1" IS 'made by orderplane'`));
  expect(await provision(of('b/shop'), { WRITER: 'another-secret' })).toMatchObject({ ok: true });
  expect(await provision(of('a/shop'))).toMatchObject({ reason: 'LoginTaken' });
  expect(await provision(nobodys)).toEqual({ ok: true, changes: 1 });
}); // prettier-ignore

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

describe('a rotation', () => {
  const ROTATED = { ...passwords, WRITER2: 'writer2-secret', OWNER2: 'owner2-secret' };
  const second = [
    { name: 'writer_2', passwordEnv: 'WRITER2', access: 'ReadWrite' },
    { name: 'owner_2', passwordEnv: 'OWNER2', access: 'Owner' },
  ];
  const ending = (names: string[]) => {
    const { postgres } = wanted([...ROLES.filter(({ name }) => !names.includes(name)), ...second]);
    return { postgres: { ...postgres, ended: names.map((name) => ({ name, database: 'shop-db' })) } };
  };

  test('lets both roles in until the first is ended; then that is gone, and so are its connections', async () => {
    await run('owner_1', 'CREATE TABLE kept (id int)');
    expect(await provision(wanted([...ROLES, ...second]), ROTATED)).toMatchObject({ ok: true });
    await as('writer_2', (client) => client.query('INSERT INTO existing VALUES (77)'), ROTATED.WRITER2);
    const url = new URL(withDatabase(server.uri, 'shop-db'));
    const old = new pg.Client({ host: url.hostname, port: Number(url.port), database: 'shop-db', user: 'writer_1', password: passwords.WRITER });
    const errors: Error[] = [];
    old.on('error', (error) => errors.push(error));
    await old.connect();
    await old.query('INSERT INTO existing VALUES (78)');

    expect(await provision(ending(['writer_1', 'owner_1']), ROTATED)).toMatchObject({ ok: true });
    await expect(old.query('INSERT INTO existing VALUES (79)')).rejects.toThrow(/not queryable|terminat/);
    expect(errors[0]).toMatchObject({ code: '57P01' });
    for (const role of ['writer_1', 'owner_1'])
      await expect(as(role, async () => {})).rejects.toMatchObject({ code: '28P01' });
    const roles = await as('postgres', (admin) => admin.query(`SELECT rolname FROM pg_roles WHERE rolname IN ('writer_1', 'owner_1')`));
    expect(roles.rows).toEqual([]);
    const { rows } = await as('writer_2', (client) => client.query('SELECT id FROM existing WHERE id > 76 ORDER BY id'), ROTATED.WRITER2);
    expect(rows).toEqual([{ id: 77 }, { id: 78 }]);
    await as('owner_2', (client) => client.query('DROP TABLE kept'), ROTATED.OWNER2);
    expect(await provision(ending(['writer_1', 'owner_1']), ROTATED)).toEqual({ ok: true, changes: 0 });
    const back = { ...wanted().postgres, ended: second.map(({ name }) => ({ name, database: 'shop-db' })) };
    expect(await provision({ postgres: back })).toMatchObject({ ok: true });
  }); // prettier-ignore

  test('locks a role out that has been given something elsewhere, where it cannot be dropped', async () => {
    await as('postgres', (admin) => admin.query('CREATE DATABASE elsewhere'));
    await as('postgres', (admin) => admin.query('CREATE TABLE t (id int); GRANT SELECT ON t TO writer_1'), undefined, 'elsewhere');
    expect(await provision({ postgres: { ...wanted([...ROLES.slice(1), ...second]).postgres, ended: [{ name: 'writer_1', database: 'shop-db' }] } }, ROTATED)).toMatchObject({ ok: true });
    await expect(as('writer_1', async () => {})).rejects.toMatchObject({ code: '28P01' });
    await as('postgres', (admin) => admin.query('DROP TABLE t'), undefined, 'elsewhere');
    expect(await provision(wanted())).toMatchObject({ ok: true });
  }); // prettier-ignore

  test('leaves a role alone that is not ours, whatever its name', async () => {
    await as('postgres', (admin) => admin.query(`CREATE ROLE legacy_2 LOGIN PASSWORD 'legacy-secret'`));
    const input = { postgres: { ...wanted().postgres, ended: [{ name: 'legacy_2', database: 'shop-db' }] } };
    expect(await provision(input)).toMatchObject({ ok: true, changes: 0 });
    await as('legacy_2', async () => {}, 'legacy-secret', 'postgres');
  });
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
