/** Migrations on a real API server, whose Jobs run as processes against a real Postgres: what they lead to is looked for in the database. */
import { expect, test } from '@jest/globals';
import { Migrations, type Migration, type MigrationStatus } from '../../api/v1alpha1/index.ts';
import { findCondition } from '../../runtime/index.ts';
import { eventually } from '../testing/eventually.ts';
import { postgresJobs } from '../testing/postgres-jobs.ts';

const { cluster, connect, target: newTarget } = await postgresJobs(/-migrate-/);

type Inline = NonNullable<Migration['spec']['source']['inline']>;
const file = (version: string, name: string, up: string, down?: string): Inline[number] => ({
  version,
  name,
  up,
  ...(down && { down }),
});

/** A database of its own, and a namespace with the Secret that opens it. */
async function target() {
  const { namespace, database, client } = await newTarget();
  const read = async (name: string): Promise<Migration> => {
    const migration = await cluster.client.get(Migrations, { namespace, name });
    if (!migration) throw new Error(`Migration ${name} is gone`);
    return migration;
  };
  const until = <T>(what: string, name: string, ask: (status: MigrationStatus) => T | undefined | false) =>
    eventually(what, async () => {
      const { status = {}, metadata } = await read(name);
      return status.observedGeneration === metadata.generation && ask(status);
    }, async () => (await read(name)).status); // prettier-ignore
  return {
    database,
    create: (inline: Inline, fields: Partial<Migration['spec']> = {}, name = 'app') => {
      const spec = { target: { secretRef: { name: 'db' } }, engine: 'postgres' as const, database, source: { inline }, ...fields };
      return cluster.client.create(Migrations, { metadata: { name, namespace }, spec });
    },
    change: (spec: object, name = 'app') => cluster.client.mergePatch(Migrations, { namespace, name }, { spec }),
    until,
    becomes: (reason: string, name = 'app') =>
      until(`${name} is ${reason}`, name, (status) => {
        const ready = findCondition(status.conditions, 'Ready');
        return ready?.reason === reason && { ...status, message: ready.message, isReady: ready.status === 'True' };
      }),
    column: async (query: string) => (await client.query({ text: query, rowMode: 'array' })).rows.map(([value]) => value),
    hold: async (lock: number) => {
      const holder = await connect(database);
      await holder.query('SELECT pg_advisory_lock($1)', [lock]);
      return () => holder.end();
    },
    end: () => client.end(),
  };
} // prettier-ignore

const TABLES = `SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1`;

test('a plan tells what would be applied and leaves the database as it is, until it is applied', async () => {
  const app = await target();
  await app.create([file('0001', 'init', 'create table products(id int)'), file('0002', 'more', 'create table prices(id int)')], { mode: 'Plan' });
  const planned = await app.becomes('PlanReady');
  expect(planned).toMatchObject({ isReady: true, currentVersion: '', planHash: expect.stringMatching(/^[0-9a-f]{16}$/), plan: { direction: 'Up', pending: ['0001_init.up.sql', '0002_more.up.sql'] } });
  expect(planned.message).toContain(`plan ${planned.planHash} would apply 0001_init.up.sql, 0002_more.up.sql`);
  expect(await app.column(TABLES)).toEqual([]);

  await app.change({ mode: 'Apply' });
  const applied = await app.becomes('UpToDate');
  expect([applied.currentVersion, applied.plan, applied.planHash, applied.pending]).toEqual(['0002', undefined, undefined, []]);
  expect(await app.column(TABLES)).toEqual(['orderplane_migrations', 'prices', 'products']);
  await app.end();
}, 60_000); // prettier-ignore

test('what loses data waits for a person: an approval lets that plan run once, and is void when the files change', async () => {
  const app = await target();
  const init = file('0001', 'init', 'create table products(id int, price int)');
  await app.create([init]);
  await app.becomes('UpToDate');
  await app.change({ source: { inline: [init, file('0002', 'drop', '-- prices moved\nalter table products drop column price')] }, policy: { destructive: 'RequireApproval' } });
  const asked = await app.becomes('ApprovalRequired');
  expect(asked).toMatchObject({ isReady: false, currentVersion: '0001', pending: ['0002_drop.up.sql'], plan: { findings: [{ file: '0002_drop.up.sql', line: 2, severity: 'Destructive' }] } });
  expect(asked.message).toContain(`0002_drop.up.sql:2`);
  expect(asked.message).toContain(`patch migration app --type merge -p '{"spec":{"approval":{"planHash":"${asked.planHash}"}}}'`);
  const columns = `SELECT column_name::text FROM information_schema.columns WHERE table_name = 'products' ORDER BY 1`;
  expect(await app.column(columns)).toEqual(['id', 'price']);

  const more = file('0003', 'truncate', 'truncate products');
  await app.change({ approval: { planHash: asked.planHash }, source: { inline: [init, file('0002', 'drop', 'alter table products drop column price'), more] } });
  const void_ = await app.becomes('ApprovalRequired');
  expect(void_.planHash).not.toBe(asked.planHash);
  expect(void_.message).toContain(`Plan ${asked.planHash} was approved, which is another`);
  expect(await app.column(columns)).toEqual(['id', 'price']);

  await app.change({ approval: { planHash: void_.planHash } });
  expect(await app.becomes('UpToDate')).toMatchObject({ currentVersion: '0003', pending: [] });
  expect(await app.column(columns)).toEqual(['id']);
  await app.change({ approval: null });
  expect((await app.becomes('UpToDate')).run?.number).toBe(4);
  await app.end();
}, 90_000); // prettier-ignore

test('a database goes down to a version where that is allowed, and says so where it is not', async () => {
  const app = await target();
  const inline = [file('0001', 'init', 'create table products(id int)'), file('0002', 'more', 'create table prices(id int)', 'drop table prices')];
  await app.create(inline);
  await app.becomes('UpToDate');
  await app.change({ toVersion: '0001' });
  const refused = await app.becomes('DownRefused');
  expect(refused.message).toContain('app1 is at version 0002, and toVersion is 0001'.replace('app1', app.database));
  expect(await app.column(TABLES)).toContain('prices');
  await app.change({ policy: { down: 'Allow', destructive: 'Allow' } });
  expect(await app.becomes('UpToDate')).toMatchObject({ currentVersion: '0001', pending: ['0002_more.up.sql'] });
  expect(await app.column(TABLES)).toEqual(['orderplane_migrations', 'products']);

  await app.change({ toVersion: null, source: { inline: inline.slice(0, 1) } });
  expect((await app.becomes('UpToDate')).ahead).toBeUndefined();
  await app.end();
}, 60_000); // prettier-ignore

test('an older source on a newer database is Ahead, and Ready', async () => {
  const app = await target();
  const inline = [file('0001', 'init', 'create table products(id int)'), file('0002', 'more', 'create table prices(id int)')];
  await app.create(inline);
  await app.becomes('UpToDate');
  await app.change({ source: { inline: inline.slice(0, 1) } });
  expect(await app.becomes('Ahead')).toMatchObject({ isReady: true, currentVersion: '0002', ahead: true });
  await app.change({ source: { inline } });
  await app.becomes('UpToDate');
  await app.end();
}, 60_000); // prettier-ignore

test('of two Migrations of one database one tells how far it is, and the other for whom it waits', async () => {
  const app = await target();
  const release = await app.hold(42);
  const inline = [file('0001', 'init', 'create table runs(id int)'), file('0002', 'slow', 'select pg_advisory_xact_lock(42); insert into runs values (1)'), file('0003', 'more', 'create table more(id int)')];
  await app.create(inline, { policy: { lockTimeout: '60s' } }, 'first');
  await app.until('the first tells of its second file', 'first', ({ conditions }) => findCondition(conditions, 'Ready')?.message.includes('file 2 of 3: 0002_slow.up.sql'));
  await app.create(inline, {}, 'second');
  const waiting = await app.becomes('WaitingForLock', 'second');
  expect(waiting.lockHolder).toContain('orderplane-migrate first-migrate-');
  expect(waiting.message).toContain(`waits for ${waiting.lockHolder}`);

  await release();
  const [first, second] = [await app.becomes('UpToDate', 'first'), await app.becomes('UpToDate', 'second')];
  expect([first.currentVersion, second.currentVersion, second.lockHolder]).toEqual(['0003', '0003', undefined]);
  expect(await app.column('SELECT id FROM runs')).toEqual([1]);
  expect(await app.column('SELECT DISTINCT run FROM orderplane_migrations')).toEqual([expect.stringMatching(/^first-migrate-/)]);
  await app.end();
}, 60_000); // prettier-ignore
