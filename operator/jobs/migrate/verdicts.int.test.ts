import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startPostgres, type PostgresServer } from '@orderplane/hack/testing/postgres.ts';
import { postgresTarget, type Files, type MigrateChange } from '../testing/postgres-target.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

const FIRST = {
  '0001_first.up.sql': 'create table first (id int primary key, note varchar(50));',
  '0001_first.down.sql': 'drop table first;',
};
const SECOND = { '0002_second.up.sql': 'create table second (id int);' };
const next = (text: string): Files => ({ ...FIRST, '0002_next.up.sql': text });
const ALLOW: MigrateChange = { policy: { destructive: 'Allow' } };
const DOWN: MigrateChange = { toVersion: '0001', policy: { destructive: 'Allow', down: 'Allow' } };

interface Sample {
  files: Files;
  reason: string;
  message: RegExp;
  change?: MigrateChange;
  /** Done to the database after `FIRST` was applied (`before`: and these files), by an administrator. */
  before?: Files;
  prepare?: string;
}

/** Every one on a database that `FIRST` was applied to. */
const REFUSED: Record<string, Sample> = {
  'an edited file': {
    files: { '0001_first.up.sql': 'create table other (id int);' },
    reason: 'EditedMigration',
    message: /^0001_first\.up\.sql was edited after it was applied \(20.*checksum .*now .*restore it/,
  },
  'a renamed file': {
    files: { '0001_prime.up.sql': FIRST['0001_first.up.sql'] },
    reason: 'ForeignLedger',
    message: /the ledger has 0001_first where the source has 0001_prime\.up\.sql/,
  },
  'a file that was applied and is gone': {
    files: { '0002_next.up.sql': 'select 1' },
    reason: 'MissingMigration',
    message: /^0001_first was applied, but its file is not in the source/,
  },
  'a file put in before an applied one': {
    files: { ...FIRST, '0000_zero.up.sql': 'select 1' },
    reason: 'MigrationGap',
    message: /^0000_zero\.up\.sql .* 0001_first .*give it a version above 0001/,
  },
  'a gap between two that were applied': {
    before: { ...FIRST, '0003_third.up.sql': 'select 1' },
    files: { ...FIRST, '0002_second.up.sql': 'select 1', '0003_third.up.sql': 'select 1' },
    reason: 'MigrationGap',
    message: /^0002_second\.up\.sql .* 0003_third/,
  },
  'one version twice': {
    files: { ...FIRST, '1_again.up.sql': 'select 1' },
    reason: 'InvalidSource',
    message: /^0001_first\.up\.sql and 1_again\.up\.sql have the same version$/,
  },
  'a down file that undoes nothing': {
    files: { ...FIRST, '0002_next.down.sql': 'select 1' },
    reason: 'InvalidSource',
    message: /^0002_next\.down\.sql undoes nothing: 0002_next\.up\.sql is missing/,
  },
  'a name that says no version': {
    files: { ...FIRST, 'next.sql': 'select 1' },
    reason: 'InvalidSource',
    message: /^next\.sql: .*0001_name\.up\.sql/,
  },
  'steps for another engine': {
    files: { ...FIRST, '0002_next.up.yaml': 'steps: []' },
    reason: 'InvalidSource',
    message: /^0002_next\.up\.yaml: a postgres migration is a \.sql file/,
  },
  'nothing at all': { files: {}, reason: 'InvalidSource', message: /holds no migration/ },
  'a syntax error': {
    files: next('create table a (id int);\n\ncreate tabel b (id int);'),
    reason: 'StatementFailed',
    message: /^0002_next\.up\.sql:3: syntax error at or near "tabel"/,
  },
  'a syntax error in a later file, before an earlier one runs': {
    files: { ...next('create table a (id int);'), '0003_bad.up.sql': '-- é\nselec 1' },
    reason: 'StatementFailed',
    message: /^0003_bad\.up\.sql:2: syntax error/,
  },
  'an unknown column, at its own line': {
    files: next('create table a (id int);\ninsert into a\n  (id, x)\nvalues (1, 2);'),
    reason: 'StatementFailed',
    message: /^0002_next\.up\.sql:3: column "x"/,
  },
  'a constraint that fails, at its statement': {
    files: next("insert into first values (1);\n-- é '\ninsert into first values (1);"),
    reason: 'StatementFailed',
    message: /^0002_next\.up\.sql:3: duplicate key .*\(Key \(id\)=\(1\)/,
  },
  'a constraint that fails at the commit': {
    files: next('create table a (id int unique deferrable initially deferred);\ninsert into a values (1), (1);'),
    reason: 'StatementFailed',
    message: /^0002_next\.up\.sql: duplicate key/,
  },
  'an error inside a DO block': {
    files: next("do $$ begin\n raise exception 'no; way'; end $$;"),
    change: ALLOW,
    reason: 'StatementFailed',
    message: /^0002_next\.up\.sql:1: no; way .*line 2/,
  },
  'a commit in the file': {
    files: next('create table a (id int);\ncommit;'),
    reason: 'NotTransactional',
    message: /^0002_next\.up\.sql:2: .*remove "commit"/,
  },
  'a statement that no transaction can hold, among others': {
    files: next('create table a (id int);\ncreate index concurrently i on a (id);'),
    reason: 'NotTransactional',
    message: /^0002_next\.up\.sql:2: "create index concurrently i on a \(id\)" .*file of its own/,
  },
  'an index built beside that has no name': {
    files: next('create index concurrently on first (note);'),
    reason: 'NotTransactional',
    message: /^0002_next\.up\.sql:1: give the index a name/,
  },
  'an index of a name that is taken': {
    files: next('create index concurrently taken on first (note);'),
    prepare: 'create index taken on first (id)',
    reason: 'StatementFailed',
    message: /^0002_next\.up\.sql:1: an index "taken" is there already$/,
  },
  'a value of an enum that is used where it was added': {
    before: { ...FIRST, '0002_mood.up.sql': `create type mood as enum ('ok');` },
    files: {
      ...FIRST,
      '0002_mood.up.sql': `create type mood as enum ('ok');`,
      '0003_bad.up.sql': `alter type mood add value 'bad';\nselect 'bad'::mood;`,
    },
    reason: 'NotTransactional',
    message: /^0003_bad\.up\.sql:2: unsafe use of new value "bad".* file of its own/,
  },
  'a database made in a database': {
    files: next('create database other'),
    reason: 'InvalidSource',
    message: /^0002_next\.up\.sql:1: "create database other" is not of this database/,
  },
  'rows from a client that is not there': {
    files: next('copy first from stdin;'),
    reason: 'InvalidSource',
    message: /^0002_next\.up\.sql:1: .*write rows with INSERT, or with a SeedJob/,
  },
  'a write to the ledger': {
    files: next(`update orderplane_migrations set checksum = '' where version = '0001';`),
    reason: 'StatementFailed',
    message: /:1: permission denied for table orderplane_migrations/,
  },
  'a table that is dropped': {
    files: next('select 1;\ndrop table first;'),
    reason: 'DestructiveRejected',
    message: /^0002_next\.up\.sql:2: drop-table: drop table first; policy\.destructive is Reject/,
  },
  'a column that is dropped, and more': {
    files: next('alter table first drop note;\ntruncate first;'),
    reason: 'DestructiveRejected',
    message: /^0002_next\.up\.sql:1: drop-column: alter table first drop note \(and 1 more\)/,
  },
  'a narrower type, as the live table shows': {
    files: next('alter table first alter note type varchar(20);'),
    reason: 'DestructiveRejected',
    message: /:1: narrow-type/,
  },
  'a DO block': {
    files: next('do $$ begin end $$;'),
    reason: 'DestructiveRejected',
    message: /^0002_next\.up\.sql:1: do-block/,
  },
  'a call of a function that may write': {
    prepare: 'create function wipe() returns void language plpgsql as $$ begin delete from first; end $$',
    files: next('select wipe();'),
    reason: 'DestructiveRejected',
    message: /^0002_next\.up\.sql:1: call-function: select wipe\(\)/,
  },
  'what destroys, without an approval': {
    files: next('drop table first;'),
    change: { policy: { destructive: 'RequireApproval' } },
    reason: 'ApprovalRequired',
    message: /^0002_next\.up\.sql:1: drop-table: .*approve plan [0-9a-f]{16}$/,
  },
  'what destroys, with the approval of another plan': {
    files: next('drop table first;'),
    change: { approvedPlan: 'feed', policy: { destructive: 'RequireApproval' } },
    reason: 'ApprovalRequired',
    message: /approve plan [0-9a-f]{16}; the approval of feed is of another plan$/,
  },
  'a version that the source does not have': {
    files: FIRST,
    change: { toVersion: '0007' },
    reason: 'UnknownVersion',
    message: /^toVersion 0007 is none of the source's, which end at 0001/,
  },
  'the way down, unless it is allowed': {
    before: { ...FIRST, ...SECOND },
    files: { ...FIRST, ...SECOND, '0002_second.down.sql': 'drop table second' },
    change: { toVersion: '0001' },
    reason: 'DownRefused',
    message: /^toVersion 0001 is below .*0002_second\.down\.sql would run/,
  },
  'the way down without its file': {
    before: { ...FIRST, ...SECOND },
    files: { ...FIRST, ...SECOND },
    change: DOWN,
    reason: 'MissingDown',
    message: /^0002_second\.up\.sql cannot be undone: 0002_second\.down\.sql is missing/,
  },
  'the way down through what another source brought': {
    before: { ...FIRST, ...SECOND },
    files: FIRST,
    change: DOWN,
    reason: 'MissingDown',
    message: /^0002_second cannot be undone: it came with another source/,
  },
  'the way down, where it destroys': {
    before: { ...FIRST, ...SECOND },
    files: { ...FIRST, ...SECOND, '0002_second.down.sql': '-- back\ndrop table second' },
    change: { toVersion: '1', policy: { down: 'Allow' } },
    reason: 'DestructiveRejected',
    message: /^0002_second\.down\.sql:2: drop-table/,
  },
  'a dirty row of a file that is a transaction': {
    prepare: `insert into orderplane_migrations (version, name, checksum, duration_ms, run, state) select '0002', 'next', encode(sha256('select 1'), 'hex'), 0, 'dead', 'dirty'`,
    files: next('select 1'),
    reason: 'DirtyLedger',
    message:
      /0002_next as dirty, by dead, .*delete its row from public\.orderplane_migrations, or set its state to applied/,
  },
};

describe('refuses, with reason and place, and changes nothing', () => {
  test.each(Object.entries(REFUSED))('%s', async (_, { files, reason, message, change, before, prepare }) => {
    const db = await postgresTarget(server.uri, before ?? FIRST);
    expect(await db.migrate()).toMatchObject({ ok: true });
    if (prepare) await db.client.query(prepare);
    const state = async () => {
      const tables = await db.client.query(
        `SELECT relname, relnatts FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1`,
      );
      return {
        tables: tables.rows,
        ledger: (await db.client.query('SELECT * FROM orderplane_migrations ORDER BY 1')).rows,
      };
    };
    const was = await state();
    const refused = await db.migrate(files, { run: 'refused', ...change });
    expect(refused).toMatchObject({ ok: false, reason, message: expect.stringMatching(message) });
    const isPolicy = ['DestructiveRejected', 'ApprovalRequired', 'DownRefused'].includes(reason);
    expect('plan' in refused && refused.plan !== undefined).toBe(isPolicy);
    expect(await state()).toEqual(was);
    await db.end();
  });
});

describe('applies', () => {
  const APPLIED: Record<string, Omit<Sample, 'reason' | 'message'>> = {
    'words of destruction in strings, comments and bodies': {
      files: next(`-- drop table first;
        insert into first values (1, 'drop table first');
        create function wipe() returns void language plpgsql as $$ begin truncate first; end $$;`),
    },
    'a wider type, as the live table shows': { files: next('alter table first alter note type varchar(80)') },
    'SET NOT NULL where the live table has a check': {
      prepare: 'alter table first add constraint c check (note is not null)',
      files: next('alter table first alter note set not null'),
    },
    'a call of a function that only reads': {
      prepare: `create function noted() returns bigint stable language sql as 'select count(*) from first'`,
      files: next('select noted(), now(), gen_random_uuid()'),
    },
    'what destroys, where it is allowed': { files: next('drop table first'), change: ALLOW },
    'an empty file': { files: next('-- nothing yet\n') },
  };
  test.each(Object.entries(APPLIED))('%s', async (_, { files, change, prepare }) => {
    const db = await postgresTarget(server.uri, FIRST);
    expect(await db.migrate()).toMatchObject({ ok: true });
    if (prepare) await db.client.query(prepare);
    const result = await db.migrate(files, { run: 'next', ...change });
    expect(result).toMatchObject({ ok: true, currentVersion: '0002', appliedByThisRun: 1 });
    await db.end();
  });

  test('a history that drops what it made, on a new database without anyone to approve', async () => {
    const db = await postgresTarget(server.uri, {
      '1_a.up.sql': 'create table if not exists a (id int, old text);',
      '2_b.up.sql': 'create table b (id int); alter table a drop column old;',
      '3_c.up.sql': 'drop table b; alter table a alter id type bigint;',
    });
    expect(await db.migrate()).toMatchObject({ ok: true, appliedByThisRun: 3, plan: { findings: [] } });
    await db.end();
  });
});

test("a table of the ledger's name that is something else", async () => {
  const db = await postgresTarget(server.uri, FIRST);
  await db.client.query('CREATE TABLE orderplane_migrations (id int)');
  expect(await db.migrate()).toMatchObject({ ok: false, reason: 'ForeignLedger' });
  await db.end();
});

describe('a plan', () => {
  test('tells what is pending and what is in it, and writes nothing, not even the ledger', async () => {
    const db = await postgresTarget(server.uri, { ...FIRST, ...SECOND });
    const planned = await db.migrate(undefined, { mode: 'Plan' });
    expect(planned).toMatchObject({
      ok: true,
      currentVersion: '',
      pending: ['0001_first.up.sql', '0002_second.up.sql'],
      plan: { direction: 'Up', pending: ['0001_first.up.sql', '0002_second.up.sql'], findings: [] },
    });
    expect((await db.client.query(`SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace`)).rowCount).toBe(
      0,
    );
    await db.end();
  });

  test('of what destroys is told and not refused; approved, it is applied; edited, the approval is void', async () => {
    const db = await postgresTarget(server.uri, FIRST);
    await db.migrate();
    const files = next('drop table first;');
    const policy = { destructive: 'RequireApproval' } as const;
    const planned = await db.migrate(files, { mode: 'Plan', policy });
    const { plan } = planned as { plan: { hash: string; findings: unknown[] } };
    expect(plan.findings).toEqual([
      { file: '0002_next.up.sql', line: 1, rule: 'drop-table', severity: 'Destructive', statement: 'drop table first' },
    ]);
    const edited = await db.migrate(next('drop table first cascade;'), { approvedPlan: plan.hash, policy });
    expect(edited).toMatchObject({ ok: false, reason: 'ApprovalRequired' });
    const applied = await db.migrate(files, { approvedPlan: plan.hash, policy });
    expect(applied).toMatchObject({ ok: true, currentVersion: '0002', plan: { hash: plan.hash } });
    await db.end();
  });

  test('that was begun goes on under its approval', async () => {
    const db = await postgresTarget(server.uri, FIRST);
    await db.migrate();
    const policy = { destructive: 'RequireApproval' } as const;
    const files = {
      ...next('drop table first;'),
      '0003_bad.up.sql': 'select id from late;',
      '0004_more.up.sql': 'do $$ begin end $$;',
    };
    const { plan } = (await db.migrate(files, { mode: 'Plan', policy })) as { plan: { hash: string } };
    const approved = { approvedPlan: plan.hash, policy };
    expect(await db.migrate(files, approved)).toMatchObject({ ok: false, reason: 'StatementFailed' });
    await db.client.query('CREATE TABLE late (id int); GRANT SELECT ON late TO PUBLIC');
    expect(await db.migrate(files, approved)).toMatchObject({ ok: true, currentVersion: '0004' });
    await db.end();
  });

  test('says who migrates at this moment, and does not wait', async () => {
    const db = await postgresTarget(server.uri, {
      '1_a.up.sql': 'create table a (id int);\nselect pg_advisory_xact_lock(42);',
    });
    await db.client.query('SELECT pg_advisory_lock(42)');
    const running = await db.spawn('running');
    await running.logged('applying');
    const planning = await db.spawn('planning', undefined, { mode: 'Plan' });
    expect(JSON.parse(await planning.logged('lockHolder'))).toMatchObject({
      lockHolder: expect.stringMatching(/^orderplane-migrate running \(pid \d+\)$/),
    });
    expect(await planning.exited).toMatchObject({ code: 0 });
    await db.client.query('SELECT pg_advisory_unlock(42)');
    expect(await running.exited).toMatchObject({ code: 0 });
    await db.end();
  });
});

describe('to a version', () => {
  const FILES = {
    '1_a.up.sql': 'create table a (id int);',
    '1_a.down.sql': 'drop table a;',
    '2_b.up.sql': 'create table b (id int);',
    '2_b.down.sql': 'drop table b;',
    '3_c.up.sql': 'create table c (id int);',
    '3_c.down.sql': 'drop table c;',
  };
  const policy = { down: 'Allow', destructive: 'Allow' } as const;

  test('up, further up, down and to nothing', async () => {
    const db = await postgresTarget(server.uri, FILES);
    const tables = async () =>
      (
        await db.client.query(`SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^.$' ORDER BY 1`)
      ).rows.map(({ relname }) => relname as string);
    for (const [toVersion, there, pending] of [
      ['0002', ['a', 'b'], ['3_c.up.sql']],
      ['latest', ['a', 'b', 'c'], []],
      ['1', ['a'], ['2_b.up.sql', '3_c.up.sql']],
      ['0', [], ['1_a.up.sql', '2_b.up.sql', '3_c.up.sql']],
      ['3', ['a', 'b', 'c'], []],
    ] as const) {
      const result = await db.migrate(undefined, { toVersion, policy, run: `to ${toVersion}` });
      expect(result).toMatchObject({
        ok: true,
        currentVersion: there.length === 0 ? '' : String(there.length),
        pending,
      });
      expect(await tables()).toEqual(there);
    }
    await db.end();
  });

  test('a down file that fails leaves its migration and its row', async () => {
    const db = await postgresTarget(server.uri, { ...FILES, '2_b.down.sql': 'drop table b; select 1/0;' });
    await db.migrate();
    const failed = await db.migrate(undefined, { toVersion: '1', policy });
    expect(failed).toMatchObject({
      ok: false,
      reason: 'StatementFailed',
      message: expect.stringMatching(/^2_b\.down\.sql:1: division/),
    });
    expect((await db.ledger()).map(({ version }) => version)).toEqual(['1', '2']);
    await db.end();
  });
});

describe('a database without ledger', () => {
  const FILES = {
    '0001_first.up.sql': 'create table first (id int);',
    '0002_second.up.sql': 'create table second (id int);',
    '0003_third.up.sql': 'create table third (id int);',
  };

  test('that has tables needs a baseline, and gets what is newer', async () => {
    const db = await postgresTarget(server.uri, FILES);
    await db.client.query('CREATE TABLE first (id int); CREATE TABLE second (id int)');
    const refused = await db.migrate();
    expect(refused).toMatchObject({
      ok: false,
      reason: 'BaselineRequired',
      message: expect.stringMatching(/has first, second, and no ledger .*set baseline to the version that it is at/),
    });
    expect(await db.migrate(undefined, { baseline: '0009' })).toMatchObject({ ok: false, reason: 'UnknownVersion' });
    const based = await db.migrate(undefined, { baseline: '0002' });
    expect(based).toMatchObject({ ok: true, currentVersion: '0003', appliedByThisRun: 1 });
    expect(await db.migrate(undefined, { baseline: '0002', run: 'again' })).toMatchObject({
      ok: true,
      appliedByThisRun: 0,
    });
    const { rows } = await db.client.query(
      'SELECT version, name, kind, state, run FROM orderplane_migrations ORDER BY 1',
    );
    expect(rows).toEqual([
      { version: '0002', name: 'baseline', kind: 'baseline', state: 'applied', run: 'first' },
      { version: '0003', name: 'third', kind: 'up', state: 'applied', run: 'first' },
    ]);
    const down = { toVersion: '1', policy: { down: 'Allow', destructive: 'Allow' } } as const;
    const below = await db.migrate({ ...FILES, '0003_third.down.sql': 'drop table third' }, down);
    expect(below).toMatchObject({ ok: false, reason: 'MissingDown' });
    await db.end();
  });

  test('whose tables are an extension’s and our own needs none', async () => {
    const db = await postgresTarget(server.uri, FILES);
    await db.client.query('CREATE EXTENSION pg_stat_statements; CREATE TABLE orderplane_seed_runs (id int)');
    expect(await db.migrate(undefined, { baseline: '0002' })).toMatchObject({ ok: true, appliedByThisRun: 3 });
    await db.end();
  });
});

test('a ledger of the first release is taken over', async () => {
  const db = await postgresTarget(server.uri, FIRST);
  await db.client.query(`CREATE TABLE first (id int primary key);
    CREATE TABLE orderplane_migrations (version text PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now(), duration_ms bigint NOT NULL, run text NOT NULL)`);
  await db.client.query(
    `INSERT INTO orderplane_migrations VALUES ('0001', 'first', encode(sha256($1::bytea), 'hex'), now(), 1, 'old')`,
    [FIRST['0001_first.up.sql']],
  );
  expect(await db.migrate()).toMatchObject({ ok: true, appliedByThisRun: 0, currentVersion: '0001' });
  expect(await db.migrate({ ...FIRST, ...SECOND })).toMatchObject({ ok: true, appliedByThisRun: 1 });
  const { rows } = await db.client.query(
    'SELECT version, kind, state, applied_by FROM orderplane_migrations ORDER BY 1',
  );
  expect(rows).toEqual(
    ['0001', '0002'].map((version) => ({ version, kind: 'up', state: 'applied', applied_by: 'postgres' })),
  );
  await db.end();
});
