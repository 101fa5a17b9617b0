import { describe, expect, test } from '@jest/globals';
import type { Db } from 'mongodb';
import { fileURLToPath } from 'node:url';
import type { JobResult, MigrateResult } from '../contract.ts';
import { runHere, sourceFolder } from '../testing/run-job.ts';
import { sharedMongo } from '../testing/shared-mongo.ts';
import { runMigrate } from './index.ts';
import { LEDGER } from './ledger.ts';
import { ledgerOf } from './mongo-ledger.ts';

const { uri, newDatabase: emptyDatabase } = await sharedMongo();

type Files = Record<string, string>;

/** An empty database, or one with these collections. */
async function newDatabase(collections: Record<string, object[]> = {}): Promise<Db> {
  const db = emptyDatabase();
  for (const [name, documents] of Object.entries(collections)) {
    await db.createCollection(name);
    if (documents.length > 0) await db.collection(name).insertMany(structuredClone(documents));
  }
  return db;
}

async function migrate(db: Db, files: Files, input: object = {}): Promise<JobResult<MigrateResult>> {
  const source = await sourceFolder(files);
  try {
    const policy = { destructive: 'Allow' };
    const given = {
      engine: 'mongo',
      database: db.databaseName,
      source: { dir: source.dir },
      run: 'first',
      baseline: '0',
      policy,
    };
    return await runHere(runMigrate, { ...given, ...input }, { ADMIN_URI: uri });
  } finally {
    await source.remove();
  }
}

/** A file of these steps, one a line: `{ <step>: {…} }`. */
const steps = (...each: string[]): string => `steps:\n${each.map((step) => `  - ${step}\n`).join('')}`;

/** Everything of a database but what the Job keeps there for itself. */
async function contentOf(db: Db): Promise<Record<string, unknown>> {
  const names = (await db.listCollections().toArray())
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('orderplane_'));
  const content: Record<string, unknown> = {};
  for (const name of names.sort()) {
    const documents = await db.collection(name).find().toArray();
    const indexes = (await db.collection(name).listIndexes().toArray())
      .map((index) => index.name)
      .filter((index) => index !== '_id_');
    content[name] = {
      documents: documents.sort((a, b) => Number(a._id) - Number(b._id)),
      ...(indexes.length > 0 && { indexes }),
    };
  }
  return content;
}

const ORDERS = {
  orders: [
    { _id: 1, state: 'open', old: 1, tags: ['a', 'b'] },
    { _id: 2, state: 'done' },
  ],
};

test("the release's own migrations make the unique index, and nothing the second time", async () => {
  const db = await newDatabase();
  const dir = fileURLToPath(new URL('../../../services/order-query/migrations', import.meta.url));
  for (const applied of [2, 0]) {
    const input = { engine: 'mongo', database: db.databaseName, source: { dir }, run: `release-${applied}` };
    const result = await runHere(runMigrate, input, { ADMIN_URI: uri });
    expect(result).toMatchObject({ ok: true, currentVersion: '0002', appliedByThisRun: applied });
  }
  await db.collection('orders').insertOne({ eventId: 'e1' });
  await expect(db.collection('orders').insertOne({ eventId: 'e1' })).rejects.toMatchObject({ code: 11000 });
});

describe('a step does what it says, and the same when it is carried out again', () => {
  test.each<[string, string, Record<string, object[]>, Record<string, unknown>]>([
    ['createCollection', '{ createCollection: { collection: orders } }', {}, { orders: { documents: [] } }],
    [
      'createCollection, capped',
      '{ createCollection: { collection: log, capped: { size: 4096, max: 10 } } }',
      {},
      { log: { documents: [] } },
    ],
    ['dropCollection', '{ dropCollection: { collection: orders } }', ORDERS, {}],
    [
      'renameCollection',
      '{ renameCollection: { from: orders, to: sales } }',
      { orders: [{ _id: 1 }] },
      { sales: { documents: [{ _id: 1 }] } },
    ],
    [
      'createIndex, which makes its collection',
      '{ createIndex: { collection: orders, name: by_state, keys: { state: 1, at: -1 }, unique: true } }',
      {},
      { orders: { documents: [], indexes: ['by_state'] } },
    ],
    ['dropIndex of one that never was', '{ dropIndex: { collection: orders, name: by_state } }', {}, {}],
    [
      'renameField',
      '{ renameField: { collection: orders, from: old, to: new } }',
      { orders: [{ _id: 1, old: 1 }, { _id: 2 }, { _id: 3, new: 3 }] },
      { orders: { documents: [{ _id: 1, new: 1 }, { _id: 2 }, { _id: 3, new: 3 }] } },
    ],
    [
      'updateMany',
      '{ updateMany: { collection: orders, filter: { state: open }, update: { $set: { at: { $date: "2026-11-20T00:00:00Z" } }, $unset: { old: "" }, $pull: { tags: a } } } }',
      ORDERS,
      {
        orders: {
          documents: [
            { _id: 1, state: 'open', tags: ['b'], at: new Date('2026-11-20') },
            { _id: 2, state: 'done' },
          ],
        },
      },
    ],
  ])('%s', async (_, step, before, after) => {
    const db = await newDatabase(before);
    const files = { '1_step.up.yaml': steps(step) };
    expect(await migrate(db, files)).toMatchObject({ ok: true, appliedByThisRun: 1 });
    expect(await contentOf(db)).toEqual(after);
    // As a run leaves it that is killed between a step and its record.
    await ledgerOf(db).updateOne({ _id: '1' }, { $set: { state: 'dirty', steps: [] } });
    expect(await migrate(db, files, { run: 'again' })).toMatchObject({ ok: true, appliedByThisRun: 1 });
    expect(await contentOf(db)).toEqual(after);
  });

  test('an update of more documents than fit into one command, whatever their ids are', async () => {
    const numbered = Array.from({ length: 2_100 }, (_, i) => ({ _id: i % 2 ? i : `id${i}`, state: 'open' }));
    const db = await newDatabase({ orders: numbered });
    const update = steps(
      '{ updateMany: { collection: orders, filter: { state: open }, update: { $set: { state: done } } } }',
    );
    expect(await migrate(db, { '1_u.up.yaml': update })).toMatchObject({ ok: true });
    expect(await db.collection('orders').countDocuments({ state: 'done' })).toBe(numbered.length);
  });
});

test('the ledger tells a person each step, when, for how long and by which run', async () => {
  const db = await newDatabase();
  const file = steps(
    '{ createCollection: { collection: orders } }',
    '{ createIndex: { collection: orders, name: i, keys: { a: 1 } } }',
  );
  await migrate(db, { '0001_orders.up.yaml': file });
  const step = {
    checksum: expect.stringMatching(/^[0-9a-f]{16}$/),
    appliedAt: expect.any(Date),
    durationMs: expect.any(Number),
    run: 'first',
  };
  expect(await ledgerOf(db).find().toArray()).toEqual([
    {
      _id: '0001',
      name: 'orders',
      kind: 'up',
      state: 'applied',
      checksum: expect.stringMatching(/^[0-9a-f]{64}$/),
      appliedAt: expect.any(Date),
      durationMs: expect.any(Number),
      run: 'first',
      remaining: 0,
      made: ['orders'],
      fence: 1,
      steps: [
        { step: 'createCollection orders', ...step },
        { step: 'createIndex orders.i', ...step },
      ],
    },
  ]);
});

describe('refuses, by file, line and name, and does nothing more', () => {
  const both = { orders: [{ _id: 1, a: 1, b: 1 }] };
  test.each<[string, string[], RegExp, Record<string, object[]>]>([
    [
      'an index of that name with other keys',
      [
        '{ createIndex: { collection: orders, name: i, keys: { a: 1 } } }',
        '{ createIndex: { collection: orders, name: i, keys: { b: 1 } } }',
      ],
      /^2_next\.up\.yaml:3: createIndex orders\.i: index i of orders exists, and its keys is \{ a: 1 \}, not \{ b: 1 \}: drop it/,
      {},
    ],
    [
      'an index of that name that is not unique',
      [
        '{ createIndex: { collection: orders, name: i, keys: { a: 1 } } }',
        '{ createIndex: { collection: orders, name: i, keys: { a: 1 }, unique: true } }',
      ],
      /:3: .*its unique is false, not true/,
      {},
    ],
    [
      'a unique index over documents that are not unique',
      ['{ createIndex: { collection: orders, name: i, keys: { a: 1 }, unique: true } }'],
      /^2_next\.up\.yaml:2: createIndex orders\.i: .*unique/,
      { orders: [{ a: 1 }, { a: 1 }] },
    ],
    [
      'a collection with other options',
      ['{ createCollection: { collection: orders, capped: { size: 4096 } } }'],
      /:2: createCollection orders: collection orders exists, and its capped is false, not true/,
      ORDERS,
    ],
    [
      'a rename of a collection to one that exists',
      ['{ renameCollection: { from: orders, to: sales } }'],
      /:2: .*both orders and sales exist/,
      { orders: [], sales: [] },
    ],
    [
      'a rename of a collection that is not there',
      ['{ renameCollection: { from: order, to: sales } }'],
      /:2: .*there is no collection order/,
      {},
    ],
    [
      'a rename of a field to one that a document has',
      ['{ renameField: { collection: orders, from: a, to: b } }'],
      /:2: .*has both a and b \(_id 1\)/,
      both,
    ],
  ])('%s', async (_, next, message, collections) => {
    const db = await newDatabase(collections);
    const first = { '1_first.up.yaml': steps('{ createCollection: { collection: first } }') };
    expect(await migrate(db, first)).toMatchObject({ ok: true });
    const result = await migrate(db, { ...first, '2_next.up.yaml': steps(...next) });
    expect(result).toEqual({ ok: false, reason: 'StatementFailed', message: expect.stringMatching(message) });
    const written = ledgerOf(db).find({ _id: { $gt: '0' } });
    expect(await written.toArray()).toMatchObject([
      { state: 'applied' },
      { state: 'dirty', steps: next.slice(1).map(() => ({})) },
    ]);
  });

  test('a ledger that is something else', async () => {
    const db = await newDatabase({ [LEDGER]: [{ _id: 'mine' }] });
    const result = await migrate(db, { '1_a.up.yaml': steps('{ createCollection: { collection: a } }') });
    expect(result).toMatchObject({ ok: false, reason: 'ForeignLedger', message: expect.stringContaining('"mine"') });
  });

  test('a database with collections and no ledger, until it is told where that one stands', async () => {
    const db = await newDatabase(ORDERS);
    const files = {
      '1_a.up.yaml': steps('{ dropCollection: { collection: orders } }'),
      '2_b.up.yaml': steps('{ createCollection: { collection: b } }'),
    };
    expect(await migrate(db, files, { baseline: undefined })).toMatchObject({
      reason: 'BaselineRequired',
      message: expect.stringContaining('orders'),
    });
    expect(await migrate(db, files, { baseline: '1' })).toMatchObject({
      ok: true,
      currentVersion: '2',
      appliedByThisRun: 1,
    });
    expect(Object.keys(await contentOf(db))).toEqual(['b', 'orders']);
  });

  test('what takes longer than the statement timeout', async () => {
    const db = await newDatabase(ORDERS);
    const file = steps(
      '{ createCollection: { collection: a } }',
      '{ updateMany: { collection: orders, filter: {}, update: { $set: { a: 1 } } } }',
    );
    const policy = { destructive: 'Allow', statementTimeout: '0s' };
    expect(await migrate(db, { '1_a.up.yaml': file }, { policy })).toMatchObject({
      reason: 'StatementFailed',
      message: '1_a.up.yaml:2: createCollection a: took longer than policy.statementTimeout, 0s',
    });
  });
});

describe('a file that failed in its middle', () => {
  const good = '{ createIndex: { collection: orders, name: i, keys: { a: 1 } } }';
  const bad = '{ renameCollection: { from: nowhere, to: somewhere } }';
  const begun = async () => {
    const db = await newDatabase();
    expect(await migrate(db, { '1_a.up.yaml': steps(good, bad) })).toMatchObject({ reason: 'StatementFailed' });
    return db;
  };

  test('may be mended from there on, and goes on there', async () => {
    const db = await begun();
    const mended = { '1_a.up.yaml': `# mended\n${steps(good, '{ createCollection: { collection: b } }')}` };
    expect(await migrate(db, mended, { run: 'second' })).toMatchObject({ ok: true, appliedByThisRun: 1 });
    expect(await ledgerOf(db).findOne()).toMatchObject({ steps: [{ run: 'first' }, { run: 'second' }] });
    expect(await migrate(db, mended, { run: 'third' })).toMatchObject({ ok: true, appliedByThisRun: 0 });
  });

  test.each([
    [
      'edited',
      steps(good.replace('a: 1', 'b: 1'), bad),
      /^1_a\.up\.yaml:2: step 1 of this file, createIndex orders\.i, was carried out/,
    ],
    ['gone', steps(bad), /^1_a\.up\.yaml:2: step 1 of this file/],
  ])('is refused when what it did is %s', async (_, text, message) => {
    const db = await begun();
    expect(await migrate(db, { '1_a.up.yaml': text })).toMatchObject({
      reason: 'EditedMigration',
      message: expect.stringMatching(message),
    });
  });

  test('destroys nothing in a collection that it made itself, the second time either', async () => {
    const db = await newDatabase();
    // The stand-in has no such index.
    const ttl = '{ createIndex: { collection: new, name: i, keys: { at: 1 }, expireAfterSeconds: 1 } }';
    const files = { '1_a.up.yaml': steps('{ createCollection: { collection: new } }', ttl) };
    for (const run of ['first', 'second'])
      expect(await migrate(db, files, { run, policy: { destructive: 'Reject' } })).toMatchObject({
        reason: 'StatementFailed',
        message: expect.stringMatching(/^1_a\.up\.yaml:3: createIndex new\.i: .*expireAfterSeconds/),
      });
  });

  test('is pending for whoever asks, and missed where its file is gone', async () => {
    const db = await begun();
    const plan = { mode: 'Plan' };
    expect(await migrate(db, { '1_a.up.yaml': steps(good, bad) }, plan)).toMatchObject({
      ok: true,
      currentVersion: '',
      pending: ['1_a.up.yaml'],
    });
    expect(await migrate(db, { '2_b.up.yaml': steps(good) }, plan)).toMatchObject({ reason: 'MissingMigration' });
  });
});

describe('the way down', () => {
  const files = {
    '1_a.up.yaml': steps('{ createCollection: { collection: a } }'),
    '2_b.up.yaml': steps('{ createCollection: { collection: b } }', '{ createCollection: { collection: c } }'),
    '2_b.down.yaml': steps('{ dropCollection: { collection: c } }', '{ dropCollection: { collection: b } }'),
  };
  const down = { toVersion: '1', policy: { down: 'Allow', destructive: 'Allow' }, run: 'down' };
  const migrated = async () => {
    const db = await newDatabase();
    await migrate(db, files);
    return db;
  };

  test('carries out the down file and forgets the migration; the way up is open again', async () => {
    const db = await migrated();
    expect(await migrate(db, files, { ...down, policy: { down: 'Refuse' } })).toMatchObject({ reason: 'DownRefused' });
    expect(await migrate(db, files, { ...down, policy: { down: 'Allow' } })).toMatchObject({
      reason: 'DestructiveRejected',
      message: expect.stringMatching(/^2_b\.down\.yaml:2: drop-collection: dropCollection c/),
    });
    expect(await migrate(db, files, down)).toMatchObject({ ok: true, currentVersion: '1' });
    expect(Object.keys(await contentOf(db))).toEqual(['a']);
    expect(await migrate(db, files, { run: 'up' })).toMatchObject({
      ok: true,
      currentVersion: '2',
      appliedByThisRun: 1,
    });
    expect(Object.keys(await contentOf(db))).toEqual(['a', 'b', 'c']);
  });

  test('half of it done is told, and finished before the way up', async () => {
    const db = await migrated();
    await ledgerOf(db).updateOne({ _id: '2' }, { $set: { kind: 'down', state: 'dirty', undone: [] } });
    expect(await migrate(db, files)).toMatchObject({
      reason: 'DirtyLedger',
      message: expect.stringMatching(/^2_b is half undone, by first: set toVersion below 2/),
    });
    expect(await migrate(db, files, down)).toMatchObject({ ok: true, currentVersion: '1' });
  });
});

test('a plan finds what destroys, with file and line, and writes nothing', async () => {
  const db = await newDatabase({ orders: [{ _id: 1 }], old: [{ _id: 1 }] });
  await db.collection('orders').createIndex({ eventId: 1 }, { name: 'one', unique: true });
  await db.collection('orders').createIndex({ state: 1 }, { name: 'many' });
  const before = await contentOf(db);
  const result = await migrate(
    db,
    {
      '1_a.up.yaml': steps(
        '{ dropCollection: { collection: old } }',
        '{ dropIndex: { collection: orders, name: one } }',
        '{ dropIndex: { collection: orders, name: many } }',
        '{ updateMany: { collection: orders, filter: {}, update: { $set: { a: 1 } } } }',
        '{ updateMany: { collection: orders, filter: { a: 1 }, update: { $unset: { b: "" }, $pull: { c: 1 } } } }',
        '{ updateMany: { collection: orders, filter: { a: 1 }, update: { $set: { note: "$unset, dropCollection" } } } }',
        '{ createIndex: { collection: orders, name: ttl, keys: { at: 1 }, expireAfterSeconds: 60 } }',
      ),
      '2_b.up.yaml': steps(
        '{ createCollection: { collection: sessions } }',
        '{ createIndex: { collection: sessions, name: ttl, keys: { at: 1 }, expireAfterSeconds: 60 } }',
        '{ createIndex: { collection: sessions, name: new, keys: { id: 1 }, unique: true } }',
        '{ dropIndex: { collection: sessions, name: new } }',
        '{ renameField: { collection: orders, from: a, to: b } }',
        '{ renameCollection: { from: orders, to: sales } }',
        '{ dropCollection: { collection: sales } }',
      ),
    },
    { mode: 'Plan' },
  );
  const findings = (result.ok && result.plan?.findings) || [];
  expect(
    findings.map(({ file, line, severity, rule, statement }) => `${file}:${line} ${severity} ${rule} (${statement})`),
  ).toEqual([
    '1_a.up.yaml:2 Destructive drop-collection (dropCollection old)',
    '1_a.up.yaml:3 Destructive drop-unique-index (dropIndex orders.one)',
    '1_a.up.yaml:5 Destructive update-all (updateMany orders)',
    '1_a.up.yaml:6 Destructive unset-field (updateMany orders)',
    '1_a.up.yaml:6 Destructive pull-elements (updateMany orders)',
    '1_a.up.yaml:8 Destructive ttl-index (createIndex orders.ttl)',
    '2_b.up.yaml:5 Destructive drop-unique-index (dropIndex sessions.new)',
    '2_b.up.yaml:6 Destructive rename (renameField orders.a to b)',
    '2_b.up.yaml:7 Destructive rename (renameCollection orders to sales)',
    '2_b.up.yaml:8 Destructive drop-collection (dropCollection sales)',
  ]);
  expect(await contentOf(db)).toEqual(before);
  expect((await db.listCollections().toArray()).map(({ name }) => name).sort()).toEqual(['old', 'orders']);
});

test('a lease that its holder left behind is waited for, then taken with a higher token', async () => {
  const db = await newDatabase();
  const locks = db.collection<{ _id: string }>('orderplane_locks');
  const dead = { lock: 'migrations', token: 7, holder: 'dead', expiresAt: new Date(Date.now() + 1_000) };
  await locks.insertOne({ _id: 'migrations/7', ...dead });
  const files = { '1_i.up.yaml': steps('{ createCollection: { collection: a } }') };
  const both = await Promise.all([migrate(db, files, { run: 'one' }), migrate(db, files, { run: 'two' })]);
  expect(both.map((result) => (result.ok ? result.appliedByThisRun : result)).sort()).toEqual([0, 1]);
  expect(await locks.find().toArray()).toMatchObject([{ token: 9, expiresAt: new Date(0) }]);
});
