/** The two engines as the fault tests of seeds see them: real servers, and tables that hold some of a dataset's rows before. */
import { startMongo } from '@orderplane/hack/testing/mongo.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { MongoClient } from 'mongodb';
import pg from 'pg';
import type { SeedCounts } from '../contract.ts';
import { withDatabase } from '../postgres.ts';
import { PRODUCT_FIELDS } from '../seed/products.ts';
import type { Snapshot } from '../testing/table-diff.ts';
import { crashed } from './stores.ts';

export interface Row {
  id: string;
  name: string;
  price: number;
  [field: string]: unknown;
}

export interface SeedStore {
  engine: 'postgres' | 'mongo';
  uri: string;
  port: number;
  /** Of a Job: the variable that has the server's URI. */
  variable: string;
  /** What its tables have of a product. */
  fields: readonly string[];
  /** What a dataset says of where its rows go, but for the database. */
  place: object;
  /** A server that dies of kill -9, and comes back. */
  crash(): Promise<void>;
  /** Keeps rows, of which any number of databases can be made. */
  template(rows: Iterable<Row[]>): Promise<() => Promise<SeedTarget>>;
  stop(): Promise<void>;
}

/** A database of its own. */
export interface SeedTarget {
  database: string;
  look(): Promise<Snapshot>;
  /** What the run table has, without asking any code of the Jobs. */
  recorded(run: string): Promise<SeedCounts | undefined>;
  drop(): Promise<void>;
}

let databases = 0;

export async function postgresSeedStore(): Promise<SeedStore> {
  const server = await startPostgres();
  const onDatabase = async <T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
    const client = new pg.Client({ connectionString: withDatabase(server.uri, database) });
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  };
  const asAdmin = (sql: string) => onDatabase('postgres', async (client) => void (await client.query(sql)));
  const target = (database: string): SeedTarget => ({
    database,
    look: () =>
      onDatabase(database, async (client) => {
        const { rows } = await client.query<Row>('SELECT id, name, price FROM products');
        return new Map(rows.map((row) => [row.id, row]));
      }),
    recorded: (run) =>
      onDatabase(database, async (client) => {
        const { rows } = await client.query<SeedCounts>(
          'SELECT inserted::int, updated::int, skipped::int, deleted::int FROM orderplane_seed_runs WHERE run = $1 AND finished_at IS NOT NULL',
          [run],
        );
        return rows[0];
      }),
    drop: () => asAdmin(`DROP DATABASE ${database} WITH (FORCE)`),
  });
  return {
    engine: 'postgres',
    uri: server.uri,
    port: server.port,
    variable: 'POSTGRES_ADMIN_URI',
    fields: ['id', 'name', 'price'],
    place: { table: 'products' },
    crash: () => crashed(server),
    template: async (batches) => {
      const kept = `kept${++databases}`;
      await asAdmin(`CREATE DATABASE ${kept}`);
      await onDatabase(kept, async (client) => {
        await client.query('CREATE TABLE products (id text PRIMARY KEY, name text NOT NULL, price int NOT NULL)');
        for (const rows of batches)
          await client.query('INSERT INTO products SELECT * FROM unnest($1::text[], $2::text[], $3::int[])', [
            rows.map(({ id }) => id),
            rows.map(({ name }) => name),
            rows.map(({ price }) => price),
          ]);
        await client.query('VACUUM ANALYZE products');
      });
      return async () => {
        const database = `db${++databases}`;
        await asAdmin(`CREATE DATABASE ${database} TEMPLATE ${kept}`);
        return target(database);
      };
    },
    stop: server.stop,
  };
}

export async function mongoSeedStore(): Promise<SeedStore> {
  const server = await startMongo();
  const onClient = async <T>(work: (client: MongoClient) => Promise<T>): Promise<T> => {
    const client = await new MongoClient(server.uri).connect();
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  };
  const target = (database: string): SeedTarget => ({
    database,
    look: () =>
      onClient(async (client) => {
        const found = client.db(database).collection<Row>('products').find({}, { projection: { _id: 0 } });
        return new Map((await found.toArray()).map((row) => [row.id, row]));
      }),
    recorded: (run) =>
      onClient(async (client) => {
        const runs = client.db(database).collection<SeedCounts & { _id: string; finishedAt?: Date }>('orderplane_seed_runs');
        const found = await runs.findOne({ _id: `${run}/products` });
        if (!found?.finishedAt) return undefined;
        const { inserted, updated, skipped, deleted } = found;
        return { inserted, updated, skipped, deleted };
      }),
    drop: () => onClient(async (client) => void (await client.db(database).dropDatabase())),
  });
  return {
    engine: 'mongo',
    uri: server.uri,
    port: server.port,
    variable: 'MONGO_ADMIN_URI',
    fields: PRODUCT_FIELDS,
    place: { collection: 'products' },
    crash: () => crashed(server),
    template: (batches) => {
      const all = [...batches];
      return Promise.resolve(async () => {
        const database = `db${++databases}`;
        await onClient(async (client) => {
          const products = client.db(database).collection<Row>('products');
          await products.createIndex({ id: 1 }, { unique: true });
          for (const rows of all) await products.insertMany(rows.map((row) => ({ ...row })));
        });
        return target(database);
      });
    },
    stop: server.stop,
  };
} // prettier-ignore
