/** Counts against an independent look at the table before and after, in all modes, with chance deciding what is there. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startMongo } from '@orderplane/hack/testing/mongo.ts';
import { startPostgres, type PostgresServer } from '@orderplane/hack/testing/postgres.ts';
import { MongoClient, type Collection } from 'mongodb';
import { randomInt } from 'node:crypto';
import pg from 'pg';
import type { SeedCounts } from '../contract.ts';
import { runHere, spawnJob } from '../testing/run-job.ts';
import { applied, diffOf, type Snapshot } from '../testing/table-diff.ts';
import { runSeed } from './index.ts';

interface Row {
  id: string;
  name?: string;
  price?: number;
}
interface Store {
  env: Record<string, string>;
  dataset: object;
  fill(rows: readonly Required<Row>[]): Promise<void>;
  look(): Promise<Snapshot>;
}

let postgres: PostgresServer;
let admin: pg.Client;
let mongo: Awaited<ReturnType<typeof startMongo>>;
let client: MongoClient;
let documents: Collection<Row & { _id?: unknown }>;

beforeAll(async () => {
  [postgres, mongo] = await Promise.all([startPostgres(), startMongo()]);
  admin = new pg.Client({ connectionString: postgres.uri });
  await admin.connect();
  await admin.query('CREATE TABLE goods (id text PRIMARY KEY, name text, price int)');
  client = await new MongoClient(mongo.uri).connect();
  documents = client.db('shop').collection('goods');
  await documents.createIndex({ id: 1 }, { unique: true });
}, 60_000);
afterAll(async () => {
  await admin?.end();
  await client?.close();
  await Promise.all([postgres?.stop(), mongo?.stop()]);
});

const STORES: Record<'postgres' | 'mongo', () => Store> = {
  postgres: () => ({
    env: { POSTGRES_ADMIN_URI: postgres.uri },
    dataset: { engine: 'postgres', database: 'postgres', table: 'goods' },
    fill: async (rows) => {
      await admin.query('TRUNCATE goods');
      const values = [rows.map(({ id }) => id), rows.map(({ name }) => name), rows.map(({ price }) => price)];
      await admin.query('INSERT INTO goods SELECT * FROM unnest($1::text[], $2::text[], $3::int[])', values);
    },
    look: async () => {
      const { rows } = await admin.query<Row>('SELECT * FROM goods');
      const present = (row: Row) => Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null));
      return new Map(rows.map((row) => [row.id, present(row)]));
    },
  }),
  mongo: () => ({
    env: { MONGO_ADMIN_URI: mongo.uri },
    dataset: { engine: 'mongo', database: 'shop', collection: 'goods' },
    fill: async (rows) => {
      await documents.deleteMany({});
      if (rows.length > 0) await documents.insertMany(rows.map((row) => ({ ...row })));
    },
    look: async () => new Map((await documents.find({}, { projection: { _id: 0 } }).toArray()).map((row) => [row.id, row])),
  }),
}; // prettier-ignore

/** A table and a dataset: some rows are in one of them, some in both, alike or not, and some datasets leave columns out. */
function chance(size: number): { table: Required<Row>[]; rows: Row[] } {
  const table: Required<Row>[] = [];
  const rows: Row[] = [];
  for (let i = 0; i < size; i++) {
    const row = { id: `k${i}`, name: `name ${randomInt(3)}`, price: randomInt(3) };
    if (randomInt(3) > 0) table.push(row);
    if (randomInt(3) === 0) continue;
    const { id, name, price } = { ...row, price: randomInt(3) };
    rows.push([{ id, name, price }, { id, price }, { price, id, name }, { id }][randomInt(4)]!);
  }
  return { table, rows: rows.toSorted(() => randomInt(3) - 1) };
}

const inputOf = ({ dataset }: Store, mode: string, rows: readonly Row[], run: string) => ({
  datasets: [{ name: 'goods', key: ['id'], mode, rows, ...dataset }],
  inputHash: 'h',
  run,
  confirmed: true,
});

const MODES = ['InsertOnly', 'Upsert', 'Replace'] as const;
const ENGINES = ['postgres', 'mongo'] as const;

test.each(ENGINES.flatMap((engine) => MODES.map((mode) => [engine, mode] as const)))(
  '%s, %s: rows are as by the book, and counts as by looking',
  async (engine, mode) => {
    const store = STORES[engine]();
    for (let round = 0; round < 6; round++) {
      const { table, rows } = chance(40);
      await store.fill(round === 0 ? [] : table);
      const before = await store.look();
      const result = await runHere(runSeed, inputOf(store, mode, rows, `${mode}-${round}`), store.env);
      const after = await store.look();
      // What chance made is in the message, to be tried again.
      expect({ table, rows, after }).toEqual({ table, rows, after: applied(before, rows as { id: string }[], mode) });
      expect({ table, rows, result }).toEqual({
        table,
        rows,
        result: { ok: true, datasets: [{ name: 'goods', ...diffOf(before, after, rows.length) }] },
      });
    }
  },
);

/** Kills come sooner or later after the Job has begun to write; each leaves another amount of it done. */
const KILLS_AFTER_MS = { postgres: [0, 50, 150, 400], mongo: [0, 50] };

test.each([
  ['postgres', 'Replace', 60_000],
  ['mongo', 'Replace', 700],
] as const)(
  '%s, %s: killed -9 again and again, it counts what happened in all',
  async (engine, mode, size) => {
    const store = STORES[engine]();
    const { table, rows } = chance(size);
    await store.fill(table);
    const before = await store.look();
    const input = inputOf(store, mode, rows, 'killed');
    let kills = 0;
    for (const ms of KILLS_AFTER_MS[engine]) {
      const job = await spawnJob('seed', input, { ...store.env, LOG_LEVEL: 'info' });
      const begun = await job.logged('"progress"').then(
        () => true,
        () => false,
      );
      // A kill between its commit and its end has left the next Job nothing to write.
      if (!begun) break;
      const timer = setTimeout(() => job.process.kill('SIGKILL'), ms);
      const { signal } = await job.exited;
      clearTimeout(timer);
      if (signal !== 'SIGKILL') break;
      kills++;
    }
    expect(kills).toBeGreaterThan(0);
    const result = await runHere(runSeed, input, store.env);
    const after = await store.look();
    expect(after).toEqual(applied(before, rows as { id: string }[], mode));
    const counts: SeedCounts = diffOf(before, after, rows.length);
    expect(result).toEqual({ ok: true, datasets: [{ name: 'goods', ...counts }] });
  },
  180_000,
);
