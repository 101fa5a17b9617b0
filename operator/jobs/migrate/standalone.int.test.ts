import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startPostgres, type PostgresServer } from '@orderplane/hack/testing/postgres.ts';
import {
  connectTo,
  postgresTarget,
  type Files,
  type MigrateChange,
  type PostgresTarget,
} from '../testing/postgres-target.ts';

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

const FIRST = { '0001_first.up.sql': 'create table first (id int, note text);\ncreate index old on first (id);' };
const INDEX = { ...FIRST, '0002_index.up.sql': '-- beside\ncreate index concurrently i on first (note);' };
const DOWN = { '0002_index.down.sql': 'drop index concurrently i;' };
/** Of the locks: the test holds what these statements wait for. */
const patient: MigrateChange = { policy: { lockTimeout: '1m' } };

const rowOf = async ({ client }: PostgresTarget, version = '0002') =>
  (await client.query('SELECT kind, state, run FROM orderplane_migrations WHERE version = $1', [version])).rows[0];
const indexes = async ({ client }: PostgresTarget): Promise<string[]> => {
  const { rows } = await client.query<{ index: string }>(
    `SELECT indexrelid::regclass || CASE WHEN indisvalid THEN '' ELSE ' (invalid)' END AS index
       FROM pg_index WHERE indrelid = 'first'::regclass ORDER BY 1`,
  );
  return rows.map(({ index }) => index);
};

/** Starts a run that comes as far as waiting for a writer of `first`, and kills it there. */
async function killedInside(db: PostgresTarget, files: Files, change: MigrateChange = {}): Promise<void> {
  const writer = await connectTo(server.uri, db.database);
  await writer.query('BEGIN; INSERT INTO first VALUES (1)');
  const job = await db.spawn('killed', files, { ...patient, ...change });
  const ofJob = `application_name = 'orderplane-migrate killed' AND datname = current_database()`;
  const waiting = `SELECT FROM pg_stat_activity WHERE ${ofJob} AND wait_event_type = 'Lock'`;
  while ((await db.client.query(waiting)).rowCount === 0) await new Promise(setImmediate);
  job.process.kill('SIGKILL');
  await job.exited;
  // Not before: with the writer gone, the server would come to the end of the statement, for nobody.
  while ((await db.client.query(`SELECT FROM pg_stat_activity WHERE ${ofJob}`)).rowCount !== 0)
    await new Promise(setImmediate);
  await writer.query('COMMIT');
  await writer.end();
}

describe('killed in a statement that no transaction holds, the next run removes what is left and runs it again', () => {
  const KILLED: Record<string, { up: string; left: string[]; end: string[] }> = {
    'an index built beside': {
      up: 'create index concurrently i on first (note)',
      left: ['i (invalid)', 'old'],
      end: ['i', 'old'],
    },
    'a unique index that may be there': {
      up: 'create unique index concurrently if not exists i on public.first (note)',
      left: ['i (invalid)', 'old'],
      end: ['i', 'old'],
    },
    'an index dropped beside': { up: 'drop index concurrently old', left: ['old (invalid)'], end: [] },
    'an index made anew': {
      up: 'reindex index concurrently old',
      left: ['old', 'old_ccnew (invalid)'],
      end: ['old'],
    },
    'the indexes of a table made anew': {
      up: 'reindex (concurrently) table first',
      left: ['old', 'old_ccnew (invalid)'],
      end: ['old'],
    },
  };
  test.each(Object.entries(KILLED))('%s', async (_, { up, left, end }) => {
    const files = { ...FIRST, '0002_index.up.sql': up };
    const db = await postgresTarget(server.uri, FIRST);
    await db.migrate();
    await killedInside(db, files);
    expect(await indexes(db)).toEqual(left);
    expect(await rowOf(db)).toEqual({ kind: 'up', state: 'dirty', run: 'killed' });
    expect(await db.migrate(files, { run: 'again' })).toMatchObject({
      ok: true,
      currentVersion: '0002',
      appliedByThisRun: 1,
    });
    expect(await indexes(db)).toEqual(end);
    expect(await rowOf(db)).toEqual({ kind: 'up', state: 'applied', run: 'again' });
    await db.end();
  });
});

describe('finished, and killed before the ledger knew it', () => {
  const dirty = (db: PostgresTarget) =>
    db.client.query(`UPDATE orderplane_migrations SET state = 'dirty' WHERE version = '0002'`);

  test('an index that is there is not built again', async () => {
    const db = await postgresTarget(server.uri, INDEX);
    await db.migrate();
    const oid = async () => (await db.client.query(`SELECT 'i'::regclass::oid AS oid`)).rows[0];
    const was = await oid();
    await dirty(db);
    expect(await db.migrate()).toMatchObject({ ok: true, currentVersion: '0002' });
    expect(await oid()).toEqual(was);
    expect(await rowOf(db)).toMatchObject({ state: 'applied' });
    await db.end();
  });

  test('an index that is gone is not dropped again, and VACUUM is repeated', async () => {
    for (const up of ['drop index concurrently old', 'vacuum first']) {
      const db = await postgresTarget(server.uri, { ...FIRST, '0002_once.up.sql': up });
      await db.migrate();
      await dirty(db);
      expect(await db.migrate()).toMatchObject({ ok: true, currentVersion: '0002' });
      await db.end();
    }
  });
});

test('an index that cannot be built leaves neither itself nor a row, and can be tried again', async () => {
  const db = await postgresTarget(server.uri, FIRST);
  await db.migrate();
  await db.client.query(`INSERT INTO first VALUES (1, 'x'), (2, 'x')`);
  const files = { ...FIRST, '0002_index.up.sql': '\ncreate unique index concurrently i on first (note);' };
  const failed = await db.migrate(files);
  expect(failed).toMatchObject({
    ok: false,
    reason: 'StatementFailed',
    message: expect.stringMatching(/^0002_index\.up\.sql:2: could not create unique index "i" .*Key \(note\)=\(x\)/),
  });
  expect(await indexes(db)).toEqual(['old']);
  expect(await rowOf(db)).toBeUndefined();
  await db.client.query('DELETE FROM first WHERE id = 2');
  expect(await db.migrate(files)).toMatchObject({ ok: true });
  const { rows } = await db.client.query(`SELECT tableowner FROM pg_tables WHERE tablename = 'first'`);
  const { rows: owners } = await db.client.query(
    `SELECT relowner::regrole::text AS tableowner FROM pg_class WHERE relname = 'i'`,
  );
  expect(owners).toEqual(rows);
  await db.end();
});

describe('on the way down', () => {
  const down: MigrateChange = { toVersion: '0001', policy: { down: 'Allow', lockTimeout: '1m' } };

  test('killed and run again, it ends; up is refused until it has', async () => {
    const files = { ...INDEX, ...DOWN };
    const db = await postgresTarget(server.uri, files);
    await db.migrate();
    await killedInside(db, files, down);
    expect(await rowOf(db)).toEqual({ kind: 'down', state: 'dirty', run: 'killed' });
    expect(await db.migrate()).toMatchObject({
      ok: false,
      reason: 'DirtyLedger',
      message: expect.stringMatching(/^0002_index is half undone, by killed: set toVersion below 0002/),
    });
    // An older release does not know the file, and its schema is whole.
    expect(await db.migrate(FIRST)).toMatchObject({ ok: true, currentVersion: '0001' });
    expect(await db.migrate(files, down)).toMatchObject({ ok: true, currentVersion: '0001' });
    expect(await indexes(db)).toEqual(['old']);
    expect(await rowOf(db)).toBeUndefined();
    await db.end();
  });

  test('what is begun on the way up is finished before it is undone', async () => {
    const files = { ...INDEX, ...DOWN };
    const db = await postgresTarget(server.uri, FIRST);
    await db.migrate();
    await killedInside(db, files);
    expect(await db.migrate(files, down)).toMatchObject({
      ok: false,
      reason: 'DirtyLedger',
      message: expect.stringMatching(/^0002_index\.up\.sql was begun by killed .*set toVersion to 0002 to finish it/),
    });
    expect(await db.migrate(files, { toVersion: '2' })).toMatchObject({ ok: true, currentVersion: '0002' });
    expect(await db.migrate(files, down)).toMatchObject({ ok: true, currentVersion: '0001' });
    await db.end();
  });
});
