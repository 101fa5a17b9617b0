/** The two engines as the fault tests see them: real servers, a ten-file migration each, and what there is to compare after. */
import { startMongo } from '@orderplane/hack/testing/mongo.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import type { TestServer } from '@orderplane/hack/testing/server.ts';
import { MongoClient } from 'mongodb';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { withDatabase } from '../postgres.ts';

export interface Store {
  engine: 'postgres' | 'mongo';
  uri: string;
  port: number;
  files: Readonly<Record<string, string>>;
  /** What is promised of a killed Job's lock. */
  lockFreeWithinMs: number;
  newTarget(): Promise<Target>;
  /** The server dies of kill -9, and comes back. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

/** A database of its own. */
export interface Target {
  database: string;
  /** Everything but the ledger's times and runs: what a killed and repeated migration must have in common with an undisturbed one. */
  content(): Promise<unknown>;
  /** Resolves when the lock can be had, or is not waited for any longer. @param since of `Date.now` */
  lockFree(since: number): Promise<LockFreed>;
  drop(): Promise<void>;
}

export interface LockFreed {
  afterMs: number;
  /** The longest that a look at the lock took, which takes no time on a machine that has any. */
  lookMs: number;
}

/** Every file leaves a trace in `trail` each time that it runs. One is made outside a transaction, one is all of one statement. */
const POSTGRES_FILES: Store['files'] = {
  '01_trail.up.sql': 'CREATE TABLE trail (file int); INSERT INTO trail VALUES (1);',
  '02_orders.up.sql':
    "CREATE TABLE orders (id int PRIMARY KEY, state text NOT NULL); INSERT INTO orders SELECT n, 'open' FROM generate_series(1, 100) n; INSERT INTO trail VALUES (2);",
  '03_column.up.sql':
    'ALTER TABLE orders ADD COLUMN total int NOT NULL DEFAULT 0; UPDATE orders SET total = total + id; INSERT INTO trail VALUES (3);',
  '04_index.up.sql': 'CREATE INDEX CONCURRENTLY orders_total ON orders (total);',
  '05_double.up.sql': 'UPDATE orders SET total = total * 2 WHERE id > 50; INSERT INTO trail VALUES (5);',
  '06_view.up.sql':
    "CREATE VIEW open_orders AS SELECT * FROM orders WHERE state = 'open'; INSERT INTO trail VALUES (6);",
  '07_function.up.sql':
    'CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql AS $$ SELECT n * 2; $$; INSERT INTO trail VALUES (7);',
  '08_move.up.sql':
    'CREATE TABLE done AS SELECT * FROM orders WHERE id <= 10; DELETE FROM orders WHERE id <= 10; INSERT INTO trail VALUES (8);',
  '09_one.up.sql': 'INSERT INTO trail VALUES (9);',
  '10_last.up.sql': 'UPDATE orders SET total = twice(total); INSERT INTO trail VALUES (10);',
};

const steps = (...each: string[]): string => `steps:\n${each.map((step) => `  - ${step}\n`).join('')}`;
const move = (from: string, to: string): string =>
  `updateMany: { collection: orders, filter: { state: ${from} }, update: { $set: { state: ${to} } } }`;

/** In the files 2 and 6 the steps follow on each other: carried out again from the first, they give other documents. */
const MONGO_FILES: Store['files'] = {
  '01_orders.up.yaml': steps(
    'createCollection: { collection: orders }',
    'createIndex: { collection: orders, name: id, keys: { id: 1 }, unique: true }',
  ),
  '02_states.up.yaml': steps(move('new', 'open'), move('open', 'done'), move('done', 'new'), move('old', 'open')),
  '03_rename.up.yaml': steps(
    'renameField: { collection: orders, from: total, to: sum }',
    'renameField: { collection: orders, from: state, to: total }',
  ),
  '04_index.up.yaml': steps('createIndex: { collection: orders, name: by_sum, keys: { sum: -1 } }'),
  '05_log.up.yaml': steps('createCollection: { collection: log, capped: { size: 4096 } }'),
  '06_swap.up.yaml': steps(
    'renameField: { collection: orders, from: total, to: held }',
    'renameField: { collection: orders, from: sum, to: total }',
    'renameField: { collection: orders, from: held, to: state }',
  ),
  '07_drop_index.up.yaml': steps('dropIndex: { collection: orders, name: by_sum }'),
  '08_move.up.yaml': steps('renameCollection: { from: log, to: trail }', 'createCollection: { collection: log }'),
  '09_all.up.yaml': steps(
    'updateMany: { collection: orders, filter: {}, update: { $set: { seen: true }, $min: { total: 5 } } }',
  ),
  '10_drop.up.yaml': steps('dropCollection: { collection: trail }'),
};
const ORDERS = ['new', 'open', 'done', 'old'].map((state, i) => ({ _id: i, id: i, state, total: i * 3 }));

/** Longer than that no lock is waited for. */
const LOCK_LIMIT_MS = 30_000;
const LOOK_EVERY_MS = 5;
let databases = 0;

export async function crashed(server: Pick<TestServer, 'kill' | 'start'>): Promise<void> {
  await server.kill();
  await server.start();
}

export async function postgresStore(): Promise<Store> {
  const server = await startPostgres();
  const admin = new pg.Pool({ connectionString: server.uri });
  // Of a server that crashed: the next statement has a new connection.
  admin.on('error', () => undefined);
  return {
    engine: 'postgres',
    uri: server.uri,
    port: server.port,
    files: POSTGRES_FILES,
    lockFreeWithinMs: 2_000,
    newTarget: async () => {
      const database = `db${++databases}`;
      await admin.query(`CREATE DATABASE ${database}`);
      return {
        database,
        content: () => postgresContent(withDatabase(server.uri, database)),
        lockFree: async (since) => {
          const held = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = '${database}')`;
          let lookMs = 0;
          for (let lookedAt = Date.now(); ; lookedAt = Date.now()) {
            const isHeld = (await admin.query(held)).rowCount !== 0;
            if (isHeld) await delay(LOOK_EVERY_MS);
            lookMs = Math.max(lookMs, Date.now() - lookedAt - LOOK_EVERY_MS);
            const afterMs = Date.now() - since;
            if (!isHeld || afterMs > LOCK_LIMIT_MS) return { afterMs, lookMs };
          }
        },
        drop: async () => void (await admin.query(`DROP DATABASE ${database} WITH (FORCE)`)),
      };
    },
    crash: () => crashed(server),
    stop: async () => {
      await admin.end();
      await server.stop();
    },
  };
}

async function postgresContent(connectionString: string): Promise<unknown> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  const rows = async (sql: string) => (await client.query({ text: sql, rowMode: 'array' })).rows;
  try {
    return {
      ledger: await rows(
        'SELECT version, name, checksum, kind, state FROM orderplane_migrations ORDER BY version::int',
      ),
      trail: await rows('SELECT file FROM trail ORDER BY file'),
      orders: await rows('SELECT * FROM orders ORDER BY id'),
      done: await rows('SELECT * FROM done ORDER BY id'),
      indexes: await rows(
        "SELECT relname, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
      ),
      things: await rows(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v') ORDER BY 1",
      ),
    };
  } finally {
    await client.end();
  }
}

export async function mongoStore(): Promise<Store> {
  const server = await startMongo();
  const client = await new MongoClient(server.uri).connect();
  return {
    engine: 'mongo',
    uri: server.uri,
    port: server.port,
    files: MONGO_FILES,
    lockFreeWithinMs: 15_000,
    newTarget: async () => {
      const db = client.db(`db${++databases}`);
      await db.collection<{ _id: number }>('orders').insertMany(ORDERS.map((order) => ({ ...order })));
      const names = async () => (await db.listCollections().toArray()).map(({ name }) => name).sort();
      return {
        database: db.databaseName,
        content: async () => {
          const ledger = await db.collection('orderplane_migrations').find().toArray();
          const collections = (await names()).filter((name) => !name.startsWith('orderplane_'));
          return {
            ledger: ledger
              .toSorted((a, b) => Number(a._id) - Number(b._id))
              .map(({ _id, name, checksum, kind, state, steps }) => {
                const done = ((steps ?? []) as { step: string }[]).map(({ step }) => step);
                return { _id, name, checksum, kind, state, done };
              }),
            collections,
            orders: (await db.collection('orders').find().toArray()).toSorted((a, b) => Number(a._id) - Number(b._id)),
            indexes: (await db.collection('orders').listIndexes().toArray()).map(({ name }) => name).sort(),
          };
        },
        lockFree: async (since) => {
          const [newest] = await db.collection('orderplane_locks').find().sort({ token: -1 }).limit(1).toArray();
          return { afterMs: Math.max(0, newest ? (newest.expiresAt as Date).getTime() - since : 0), lookMs: 0 };
        },
        drop: async () => void (await db.dropDatabase()),
      };
    },
    crash: () => crashed(server),
    stop: async () => {
      await client.close();
      await server.stop();
    },
  };
}
