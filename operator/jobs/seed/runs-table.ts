import type { SeedCounts, SeedDataset } from '../contract.ts';
import { codeOf } from '../failures.ts';
import type { PgClient } from '../postgres.ts';
import { SEED_RUNS, type SeedOptions } from './index.ts';

const TABLE = `public.${SEED_RUNS}`;
/** Two sessions that make the same thing at once collide in the catalogue, IF NOT EXISTS or not; either has made it. */
const MADE_BY_ANOTHER: ReadonlySet<unknown> = new Set(['23505', '42P07', '42701']);

/** Makes the table where there is none, and adds what a table of an older release lacks. */
export async function ensureRunsTable(client: PgClient): Promise<void> {
  const { rows } = await client.query<{ current: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = 'deleted' AND NOT attisdropped) AS current`,
    [TABLE],
  );
  if (rows[0]?.current) return;
  const create = `CREATE TABLE IF NOT EXISTS ${TABLE} (
    run text NOT NULL,
    dataset text NOT NULL,
    input_hash text NOT NULL,
    inserted bigint NOT NULL DEFAULT 0,
    updated bigint NOT NULL DEFAULT 0,
    skipped bigint NOT NULL DEFAULT 0,
    deleted bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (run, dataset)
  )`;
  for (const sql of [create, `ALTER TABLE ${TABLE} ADD COLUMN IF NOT EXISTS deleted bigint NOT NULL DEFAULT 0`]) {
    await client.query(sql).catch((error: unknown) => {
      if (!MADE_BY_ANOTHER.has(codeOf(error))) throw error;
    });
  }
}

/** What a run has done to a dataset, once it has. */
export async function recordedCounts(
  client: PgClient,
  dataset: SeedDataset,
  { run }: SeedOptions,
): Promise<SeedCounts | undefined> {
  const { rows } = await client.query<SeedCounts>(
    `SELECT inserted::float8 AS inserted, updated::float8 AS updated, skipped::float8 AS skipped, deleted::float8 AS deleted
       FROM ${TABLE} WHERE run = $1 AND dataset = $2`,
    [run, dataset.name],
  );
  return rows[0];
}

/** The counts of this run, when it was applied already. Else its row is ours until the end of the transaction. */
export async function claimRun(
  client: PgClient,
  dataset: SeedDataset,
  options: SeedOptions,
): Promise<SeedCounts | undefined> {
  const { rowCount } = await client.query(
    `INSERT INTO ${TABLE} (run, dataset, input_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
    [options.run, dataset.name, options.inputHash],
  );
  return rowCount === 1 ? undefined : recordedCounts(client, dataset, options);
}

export async function recordCounts(
  client: PgClient,
  dataset: SeedDataset,
  { run }: SeedOptions,
  { inserted, updated, skipped, deleted }: SeedCounts,
): Promise<void> {
  await client.query(
    `UPDATE ${TABLE} SET inserted = $3, updated = $4, skipped = $5, deleted = $6, finished_at = clock_timestamp()
      WHERE run = $1 AND dataset = $2`,
    [run, dataset.name, inserted, updated, skipped, deleted],
  );
}
