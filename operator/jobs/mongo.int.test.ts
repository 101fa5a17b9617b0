import { expect, test } from '@jest/globals';
import { MongoClient, type Db } from 'mongodb';
import { runMigrate } from './migrate/index.ts';
import { runProvision } from './provision/index.ts';
import { runSeed } from './seed/index.ts';
import { runHere, sourceFolder } from './testing/run-job.ts';
import { sharedMongo } from './testing/shared-mongo.ts';

const { uri, newDatabase } = await sharedMongo();

async function migrate(db: Db, files: Record<string, string>, run = 'first') {
  const source = await sourceFolder(files);
  try {
    const input = { engine: 'mongo', database: db.databaseName, source: { dir: source.dir }, run };
    return await runHere(runMigrate, input, { ADMIN_URI: uri });
  } finally {
    await source.remove();
  }
}

/** What a seed needs of its collection. */
const INDEX = `steps:
  - createIndex: { collection: orders, name: orders_event_id, keys: { eventId: 1 }, unique: true }
`;

test('users can log in with the password they were given last, and only with it', async () => {
  const input = { mongo: { users: [{ name: 'order-query_1', passwordEnv: 'PW', database: 'app' }] } };
  const provision = (PW: string) => runHere(runProvision, input, { MONGO_ADMIN_URI: uri, PW });
  const login = async (password: string) => {
    const user = new MongoClient(uri, { auth: { username: 'order-query_1', password }, authSource: 'admin' });
    try {
      await user.db('app').collection('orders').insertOne({});
    } finally {
      await user.close();
    }
  };
  expect(await Promise.all([provision('first-secret'), provision('first-secret')])).toEqual([
    { ok: true, changes: expect.any(Number) },
    { ok: true, changes: expect.any(Number) },
  ]);
  await login('first-secret');
  expect(await provision('second-secret')).toMatchObject({ ok: true, changes: 1 });
  await login('second-secret');
  await expect(login('first-secret')).rejects.toMatchObject({ code: 18 });
});

test('a rotation lets both users in until the first is ended, which then is refused', async () => {
  const user = (name: string, passwordEnv: string) => ({ name, passwordEnv, database: 'app' });
  const both = [user('query_1', 'ONE'), user('query_2', 'TWO')];
  const env = { MONGO_ADMIN_URI: uri, ONE: 'one-secret', TWO: 'two-secret' };
  const provision = (mongo: object) => runHere(runProvision, { mongo }, env);
  const login = async (username: string, password: string) => {
    const client = new MongoClient(uri, { auth: { username, password }, authSource: 'admin' });
    try {
      await client.db('app').collection('orders').insertOne({});
    } finally {
      await client.close();
    }
  };
  expect(await provision({ users: both })).toEqual({ ok: true, changes: 2 });
  await login('query_1', 'one-secret');
  await login('query_2', 'two-secret');
  const ended = { users: both.slice(1), ended: ['query_1'] };
  expect(await provision(ended)).toMatchObject({ ok: true });
  await expect(login('query_1', 'one-secret')).rejects.toMatchObject({ code: 18 });
  await login('query_2', 'two-secret');
  expect(await provision(ended)).toMatchObject({ ok: true });
});

test('two platforms that use one server do not take each other’s users away', async () => {
  const of = (forPlatform: string) => ({
    mongo: { users: [{ name: 'shared_1', passwordEnv: 'PW', database: 'app' }], forPlatform },
  });
  const provision = (input: object, PW: string) => runHere(runProvision, input, { MONGO_ADMIN_URI: uri, PW });
  expect(await provision(of('a/shop'), 'one-secret')).toEqual({ ok: true, changes: 1 });
  expect(await provision(of('b/shop'), 'two-secret')).toMatchObject({
    ok: false,
    reason: 'LoginTaken',
    message: expect.stringContaining('user shared_1 is of OrderPlatform a/shop'),
  });
  expect(await provision(of('a/shop'), 'one-secret')).toMatchObject({ ok: true });
  const ended = (forPlatform: string) => ({ mongo: { users: [], ended: ['shared_1'], forPlatform } });
  expect(await provision(ended('b/shop'), '')).toEqual({ ok: true, changes: 0 });
  expect(await provision(ended('a/shop'), '')).toEqual({ ok: true, changes: 1 });
  expect(await provision(of('b/shop'), 'two-secret')).toEqual({ ok: true, changes: 1 });
});

test('seeds by key, counts what the database did, and repeats no run', async () => {
  const db = newDatabase();
  const dataset = { name: 'd', engine: 'mongo', database: db.databaseName, collection: 'orders', key: ['eventId'] };
  const seed = (mode: string, rows: object[], run: string) =>
    runHere(runSeed, { datasets: [{ ...dataset, mode, rows }], inputHash: 'h', run }, { MONGO_ADMIN_URI: uri });
  const rows = [
    { eventId: 'a', n: 1, at: { $date: '2026-11-20T00:00:00Z' } },
    { eventId: 'b', n: 2, nested: { list: [1, 2] } },
  ];
  expect(await seed('Upsert', rows, 'r0')).toMatchObject({
    reason: 'InvalidDataset',
    message: expect.stringMatching(/does not exist|not unique/),
  });
  await migrate(db, { '1_i.up.yaml': INDEX });
  expect(await seed('Upsert', rows, 'r1')).toEqual({
    ok: true,
    datasets: [{ name: 'd', inserted: 2, updated: 0, skipped: 0, deleted: 0 }],
  });
  expect(await seed('Upsert', rows, 'r1')).toEqual({
    ok: true,
    datasets: [{ name: 'd', inserted: 2, updated: 0, skipped: 0, deleted: 0 }],
  });
  expect(await seed('Upsert', rows, 'r2')).toEqual({
    ok: true,
    datasets: [{ name: 'd', inserted: 0, updated: 0, skipped: 2, deleted: 0 }],
  });
  const edited = [{ eventId: 'a', n: 5 }, { eventId: 'c' }];
  expect(await seed('InsertOnly', edited, 'r3')).toEqual({
    ok: true,
    datasets: [{ name: 'd', inserted: 1, updated: 0, skipped: 1, deleted: 0 }],
  });
  expect(await seed('Upsert', edited, 'r4')).toEqual({
    ok: true,
    datasets: [{ name: 'd', inserted: 0, updated: 1, skipped: 1, deleted: 0 }],
  });
  const documents = await db
    .collection('orders')
    .find({}, { projection: { _id: 0 } })
    .sort({ eventId: 1 })
    .toArray();
  expect(documents).toEqual([
    { eventId: 'a', n: 5, at: new Date('2026-11-20T00:00:00Z') },
    { eventId: 'b', n: 2, nested: { list: [1, 2] } },
    { eventId: 'c' },
  ]);
});
