/** Databases of a test's Postgres, each with an owner and a source of migrations. */
import pg from 'pg';
import type { JobResult, MigrateInput, MigrateResult } from '../contract.ts';
import { runMigrate } from '../migrate/index.ts';
import { withDatabase } from '../postgres.ts';
import { runHere, sourceFolder, spawnJob, type SpawnedJob } from './run-job.ts';

export type Files = Record<string, string>;
type Policy = Partial<MigrateInput['policy']>;
export type MigrateChange = Partial<Omit<MigrateInput, 'policy'>> & { policy?: Policy };

export interface PostgresTarget {
  database: string;
  /** The administrator's connection to it. */
  client: pg.Client;
  /** Runs a Job in this process, as run `first` unless told otherwise. */
  migrate(files?: Files, change?: MigrateChange): Promise<JobResult<MigrateResult>>;
  /** Runs it as a process of its own. */
  spawn(run: string, files?: Files, change?: MigrateChange): Promise<SpawnedJob>;
  ledger(): Promise<{ version: string; run: string }[]>;
  end(): Promise<void>;
}

let databases = 0;

export async function connectTo(uri: string, database: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: withDatabase(uri, database) });
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** A database of its own with an owner; `files` are its migrations. */
export async function postgresTarget(uri: string, files: Files = {}): Promise<PostgresTarget> {
  const database = `db${++databases}`;
  const admin = await connectTo(uri, 'postgres');
  await admin.query(`CREATE ROLE ${database}_owner`);
  await admin.query(`CREATE DATABASE ${database} OWNER ${database}_owner`);
  await admin.end();
  const client = await connectTo(uri, database);
  const env = { ADMIN_URI: uri, OWNER_ROLE: `${database}_owner` };
  const inputOf = (dir: string, change: MigrateChange) => ({
    engine: 'postgres',
    database,
    source: { dir },
    run: 'first',
    ...change,
  });
  return {
    database,
    client,
    migrate: async (changed = files, change = {}) => {
      const source = await sourceFolder(changed);
      try {
        return await runHere(runMigrate, inputOf(source.dir, change), env);
      } finally {
        await source.remove();
      }
    },
    spawn: async (run, changed = files, change = {}) => {
      const source = await sourceFolder(changed);
      const job = await spawnJob('migrate', inputOf(source.dir, { ...change, run }), env);
      void job.exited.then(source.remove);
      return job;
    },
    ledger: async () =>
      (await client.query('SELECT version, run FROM orderplane_migrations ORDER BY version::numeric')).rows,
    end: () => client.end(),
  };
}
