import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { silentProgress } from '@orderplane/hack/progress.ts';
import { temporaryFolder, type TemporaryFolder } from '@orderplane/hack/testing/temporary-folder.ts';
import { startPostgres, type PostgresServer } from '@orderplane/hack/testing/postgres.ts';
import { runCommand } from '@orderplane/hack/toolchain/command.ts';
import { ensurePostgresClient } from '@orderplane/hack/toolchain/postgres-client.ts';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import type { JobResult, MigrateResult } from '../contract.ts';
import { runMigrate } from '../migrate/index.ts';
import { withDatabase } from '../postgres.ts';
import { runHere, sourceFolder, spawnJob, type SpawnedJob } from '../testing/run-job.ts';
import { scratchName } from './scratch.ts';
import { dumpFile } from './store.ts';

/** The version that the release's own files come to, and one after it. */
const LATEST = '0002';
const NEXT_VERSION = '0003';
const NEXT_FILE = `${NEXT_VERSION}_next.up.sql`;
const ORDERS = new URL('../../../services/orders/migrations/', import.meta.url);

let server: PostgresServer;
let admin: pg.Client;
let volume: TemporaryFolder;
let client: string;
let tables: Record<string, string>;
let databases = 0;

beforeAll(async () => {
  client = await ensurePostgresClient(silentProgress);
  volume = await temporaryFolder('orderplane-restore-points-');
  server = await startPostgres();
  admin = await connect(server.uri);
  const files = (await readdir(ORDERS)).filter((file) => file.endsWith('.up.sql'));
  tables = Object.fromEntries(await Promise.all(files.map(async (file) => [file, await readFile(new URL(file, ORDERS), 'utf8')]))); // prettier-ignore
});
afterAll(async () => {
  await admin?.end();
  await server?.stop();
  await volume?.remove();
});

async function connect(uri: string): Promise<pg.Client> {
  const connection = new pg.Client({ connectionString: uri });
  connection.on('error', () => {});
  await connection.connect();
  return connection;
}

type Policy = 'Required' | 'Optional' | 'None';
interface Wish {
  files?: Record<string, string>;
  policy?: Policy;
  keep?: number;
  dir?: string;
  uri?: string;
  restoreFrom?: { id: string; request: string };
}

/** A database of the orders service, with its own owner, as its release has it. */
async function target() {
  const database = `orders_${++databases}`;
  await admin.query(`CREATE ROLE ${database}_owner`);
  await admin.query(`CREATE DATABASE ${database} OWNER ${database}_owner`);
  const connection = await connect(withDatabase(server.uri, database));
  let run = 0;
  const prepare = (
    { policy = 'Required', keep = 3, dir = volume.path, uri = server.uri, restoreFrom }: Wish,
    source: string,
  ) => ({
    input: {
      engine: 'postgres',
      database,
      source: { dir: source },
      policy: { destructive: 'Allow', lockTimeout: '2s' },
      ...(policy !== 'None' && { restorePoint: { policy, dir, keep } }),
      ...(restoreFrom && { restoreFrom: { ...restoreFrom, dir } }),
      run: `run-${++run}`,
    },
    env: { ADMIN_URI: uri, OWNER_ROLE: `${database}_owner`, ORDERPLANE_POSTGRES_CLIENT: client },
  });
  const at = {
    database,
    connection,
    folder: join(volume.path, database),
    async migrate(wish: Wish = {}): Promise<JobResult<MigrateResult>> {
      const source = await sourceFolder(wish.files ?? tables);
      const { input, env } = prepare(wish, source.dir);
      try {
        return await runHere(runMigrate, input, env);
      } finally {
        await source.remove();
      }
    },
    async spawn(wish: Wish): Promise<SpawnedJob> {
      const source = await sourceFolder(wish.files ?? tables);
      const { input, env } = prepare(wish, source.dir);
      const job = await spawnJob('migrate', input, env);
      void job.exited.then(source.remove);
      return job;
    },
    async value(sql: string): Promise<unknown> {
      const { rows } = await connection.query<Record<string, unknown>>(sql);
      return Object.values(rows[0] ?? {})[0];
    },
  };
  expect(await at.migrate({ policy: 'None' })).toMatchObject({ ok: true, currentVersion: LATEST });
  return at;
}

const point = (result: JobResult<MigrateResult>) => (result.ok ? result.restorePoint : undefined);
const NEXT = {
  [NEXT_FILE]:
    'create table next (id int primary key references events (position)); alter table events add column note text;',
};

/** Places an order: an event, and its row in the outbox, in one transaction. Half of the time the oldest row of the outbox is published. */
const PLACE_ORDER = `
  with stream as (select gen_random_uuid() as id),
       event as (insert into events (stream_id, version, event_id, type, data, recorded_at)
                 select id, 1, gen_random_uuid(), 'OrderCreated', '{"total": 12.50}', now() from stream returning event_id)
  insert into outbox (event_id, topic, event) select event_id, 'order_created', '{}' from event`;

/** Clients that place orders until they are stopped. */
async function placingOrders(uri: string, count = 4): Promise<{ stop: () => Promise<number> }> {
  let isStopped = false;
  const clients = await Promise.all(Array.from({ length: count }, () => connect(uri)));
  const placed = clients.map(async (each) => {
    let orders = 0;
    for (; !isStopped; orders++) await each.query(PLACE_ORDER);
    await each.end();
    return orders;
  });
  return {
    stop: async () => {
      isStopped = true;
      return (await Promise.all(placed)).reduce((sum, orders) => sum + orders, 0);
    },
  };
}

/** Events without their row in the outbox, and rows without event. */
const DISAGREEING = `select count(*)::int from events full join outbox using (event_id) where events.position is null or outbox.position is null`;

test('what is taken while orders are placed is consistent, and brings events, outbox and ledger back together', async () => {
  const db = await target();
  const load = await placingOrders(withDatabase(server.uri, db.database));
  const migrated = await db.migrate({ files: { ...tables, ...NEXT } });
  const ordersOfLoad = await load.stop();
  expect(migrated).toMatchObject({
    ok: true,
    currentVersion: NEXT_VERSION,
    restorePoint: { version: LATEST, verified: true, tables: 5 },
  });
  const { id = '', rows = 0 } = point(migrated) ?? {};
  const ordersThen = (rows - 1) / 2;
  expect(ordersThen).toBeGreaterThan(0);
  expect(ordersThen).toBeLessThan(ordersOfLoad);
  await db.connection.query('insert into next select position from events limit 5; delete from outbox');

  const second = await placingOrders(withDatabase(server.uri, db.database));
  const back = await db.migrate({ files: { ...tables, ...NEXT }, restoreFrom: { id, request: 'a' } });
  // Nobody was shut out: who had waited went on, on the tables as they were.
  expect(await second.stop()).toBeGreaterThan(0);
  expect(back).toMatchObject({
    ok: true,
    currentVersion: LATEST,
    pending: [NEXT_FILE],
    restorePoint: { version: NEXT_VERSION },
  });
  expect(await db.value(DISAGREEING)).toBe(0);
  expect(await db.value('select count(*)::int from events')).toBeGreaterThanOrEqual(ordersThen);
  expect(await db.value(`select to_regclass('next')`)).toBeNull();
  expect(await db.value('select max(version) from orderplane_migrations')).toBe(LATEST);
  expect(await db.value(`select tableowner from pg_tables where tablename = 'events'`)).toBe(`${db.database}_owner`);

  const forward = await db.migrate({ files: { ...tables, ...NEXT } });
  expect(forward).toMatchObject({ ok: true, currentVersion: NEXT_VERSION, appliedByThisRun: 1 });
});

test('a wish to go back is carried out once, and another one again', async () => {
  const db = await target();
  await db.connection.query(PLACE_ORDER);
  const files = { ...tables, ...NEXT };
  const id = point(await db.migrate({ files }))?.id ?? '';
  const orders = () => db.value('select count(*)::int from events');
  expect(await db.migrate({ files, restoreFrom: { id, request: 'a' } })).toMatchObject({
    ok: true,
    currentVersion: LATEST,
  });
  await db.connection.query(PLACE_ORDER);
  const again = await db.migrate({ files, restoreFrom: { id, request: 'a' } });
  expect(again).toMatchObject({ ok: true, currentVersion: LATEST, pending: [NEXT_FILE] });
  expect(await orders()).toBe(2);
  await db.migrate({ files, restoreFrom: { id, request: 'b' } });
  expect(await orders()).toBe(1);
  expect(await db.migrate({ files, restoreFrom: { id: 'gone', request: 'c' } })).toMatchObject({
    ok: false,
    reason: 'RestorePointMissing',
    message: expect.stringContaining(id),
  });
});

test('who was granted access since, and who has lost it, does not keep a restore point from coming back', async () => {
  const db = await target();
  const [owner, before, since] = [`${db.database}_owner`, `${db.database}_before`, `${db.database}_since`];
  const grant = (role: string) =>
    db.connection
      .query(`create role ${role}; grant select on all tables in schema public to ${role}; grant usage on schema public to ${role};
      alter default privileges for role ${owner} grant select on tables to ${role}`);
  await grant(before);
  await db.connection.query(PLACE_ORDER);
  const files = { ...tables, ...NEXT };
  const id = point(await db.migrate({ files }))?.id ?? '';
  await db.connection.query(`drop owned by ${before}; drop role ${before}`);
  await grant(since);
  expect(await db.migrate({ files, restoreFrom: { id, request: 'a' } })).toMatchObject({
    ok: true,
    currentVersion: LATEST,
  });
  expect(await db.value(`select has_table_privilege('${since}', 'events', 'select') and has_schema_privilege('${since}', 'public', 'usage')`)).toBe(true); // prettier-ignore
  expect(await db.value(`select count(*)::int from pg_roles where rolname = '${before}'`)).toBe(0);
});

test('a dump that does not give what was counted is not committed', async () => {
  const db = await target();
  await db.connection.query(PLACE_ORDER);
  const files = { ...tables, ...NEXT };
  const id = point(await db.migrate({ files }))?.id ?? '';
  const manifest = join(db.folder, `${id}.json`);
  const text = await readFile(manifest, 'utf8');
  await writeFile(manifest, text.replace(/"name":"events","rows":1/, '"name":"events","rows":2'));
  const refused = { ok: false, reason: 'RestoreFailed', message: expect.stringMatching(/nothing was changed.*public\.events has 1 rows instead of 2/) }; // prettier-ignore
  expect(await db.migrate({ files, restoreFrom: { id, request: 'a' } })).toMatchObject(refused);
  await writeFile(manifest, text);
  const dump = await readFile(dumpFile(db.folder, id));
  await writeFile(dumpFile(db.folder, id), dump.subarray(0, dump.length - 40));
  expect(await db.migrate({ files, restoreFrom: { id, request: 'a' } })).toMatchObject({
    ok: false,
    reason: 'RestoreFailed',
  });
  expect(await db.value('select max(version) from orderplane_migrations')).toBe(NEXT_VERSION);
  // Of what was not given up nothing is kept.
  expect((await readdir(db.folder)).toSorted()).toEqual([`${id}.dump`, `${id}.json`]);
});

test('none is taken where nothing is pending, and none of an empty database', async () => {
  const db = await target();
  expect(point(await db.migrate())).toBeUndefined();
  await admin.query('CREATE DATABASE empty_one');
  const source = await sourceFolder({ '0001_first.up.sql': 'create table first (id int)' });
  const input = { engine: 'postgres', database: 'empty_one', source: { dir: source.dir }, restorePoint: { policy: 'Required', dir: '/nowhere', keep: 1 }, run: 'first' }; // prettier-ignore
  const result = await runHere(runMigrate, input, { ADMIN_URI: server.uri, ORDERPLANE_POSTGRES_CLIENT: client });
  expect(result).toMatchObject({ ok: true, currentVersion: '0001' });
  await source.remove();
});

/** A login that may do everything in the database, and make none. */
async function withoutCreateDb(db: Awaited<ReturnType<typeof target>>): Promise<string> {
  const role = `${db.database}_admin`;
  await admin.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret-of-it' IN ROLE ${db.database}_owner, pg_read_all_data`);
  await db.connection.query(`ALTER TABLE orderplane_migrations OWNER TO ${role}`);
  return server.uri.replace(/\/\/[^@]*@/, `//${role}:secret-of-it@`);
}

test('a login that may not make databases: Required says what to grant, Optional tells that it is not verified', async () => {
  const db = await target();
  await db.connection.query(PLACE_ORDER);
  const uri = await withoutCreateDb(db);
  const files = { ...tables, ...NEXT };
  expect(await db.migrate({ files, uri })).toMatchObject({
    ok: false,
    reason: 'RestorePointFailed',
    message: expect.stringContaining(`ALTER ROLE "${db.database}_admin" CREATEDB`),
  });
  expect(await db.value('select max(version) from orderplane_migrations')).toBe(LATEST);
  expect(await db.migrate({ files, uri, policy: 'Optional' })).toMatchObject({
    ok: true,
    currentVersion: NEXT_VERSION,
    restorePoint: { verified: false },
    restorePointWarning: expect.stringContaining('is not verified'),
  });
  const id = (await readdir(db.folder))[0]?.replace(/\..*/, '') ?? '';
  const back = await db.migrate({ files, uri, policy: 'None', restoreFrom: { id, request: 'a' } });
  expect(back).toMatchObject({ ok: true, currentVersion: LATEST });
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot('a full volume: Required does not start, Optional goes on and says so; nothing is left on it', async () => {
  const db = await target();
  // Random, so that no compression makes it fit.
  await db.connection.query(`insert into outbox (event_id, topic, event) select gen_random_uuid(), 't', string_agg(md5(random()::text), '') from generate_series(1, 500) g, generate_series(1, 100) h group by g`); // prettier-ignore
  const small = join(volume.path, `small-${db.database}`);
  await mkdir(small);
  await runCommand('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', small]);
  try {
    const files = { ...tables, ...NEXT };
    const full = expect.stringMatching(
      /its volume is full \(.* of 512 KiB are free\): raise restorePoints\.storage.*No space left/,
    );
    const refused = await db.migrate({ files, dir: small });
    expect(refused).toMatchObject({ ok: false, reason: 'RestorePointFailed', message: full });
    expect(await db.value('select max(version) from orderplane_migrations')).toBe(LATEST);
    expect(await readdir(join(small, db.database))).toEqual([]);
    const went = await db.migrate({ files, dir: small, policy: 'Optional' });
    expect(went).toMatchObject({ ok: true, currentVersion: NEXT_VERSION, restorePointWarning: full });
    expect(point(went)).toBeUndefined();
  } finally {
    await runCommand('umount', [small]);
  }
});

const scratchDatabases = async (database: string): Promise<number> =>
  (await admin.query('SELECT FROM pg_database WHERE datname = $1', [scratchName(database)])).rowCount ?? 0;

/** Command lines of every process of this machine. */
async function commandLines(): Promise<string> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return (await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')))).join('\n');
}

/** Command lines of a moment in which a dump of this folder is being restored. */
async function whileRestoring(job: SpawnedJob, folder: string): Promise<string> {
  for (;;) {
    const lines = await commandLines();
    if (lines.split('\n').some((line) => line.includes('/pg_restore') && line.includes(folder))) return lines;
    if (job.process.exitCode !== null) throw new Error('it has ended without restoring');
  }
}

test('killed while it compares, its scratch database and partial files go with the next run; no password is on a command line', async () => {
  const db = await target();
  const files = { ...tables, ...NEXT };
  // Large enough for a moment in which it can be killed.
  await db.connection.query(`insert into outbox (event_id, topic, event) select gen_random_uuid(), 't', repeat(md5(g::text), 100) from generate_series(1, 10000) g`); // prettier-ignore
  const job = await db.spawn({ files });
  const lines = await whileRestoring(job, db.folder);
  expect(lines).not.toContain(new URL(server.uri).password);
  job.process.kill('SIGKILL');
  await job.exited;
  expect(await scratchDatabases(db.database)).toBe(1);
  expect((await readdir(db.folder)).some((file) => file.endsWith('.partial'))).toBe(true);
  expect(await db.migrate({ files })).toMatchObject({
    ok: true,
    currentVersion: NEXT_VERSION,
    restorePoint: { verified: true },
  });
  expect(await scratchDatabases(db.database)).toBe(0);
  expect((await readdir(db.folder)).map((file) => file.replace(/.*\./, '')).toSorted()).toEqual(['dump', 'json']);

  const stopped = await db.spawn({ files: { ...files, '0004_more.up.sql': 'create table more (id int)' } });
  await whileRestoring(stopped, db.folder);
  stopped.process.kill('SIGTERM');
  expect(JSON.parse((await stopped.exited).result)).toMatchObject({ ok: false, reason: 'Interrupted' });
  expect(await scratchDatabases(db.database)).toBe(0);
  expect((await readdir(db.folder)).some((file) => file.endsWith('.partial'))).toBe(false);
}, 60_000);
