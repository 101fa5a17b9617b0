import { setTimeout as delay } from 'node:timers/promises';
import type { SeedCounts, SeedRow } from '../contract.ts';
import { codeOf, JobError, messageOf } from '../failures.ts';
import { inTransaction, quoteName, withPostgres, type PgClient } from '../postgres.ts';
import { isUnreachable } from '../unreachable.ts';
import { checkDataset, invalidDataset, type Column, type Table } from './checks.ts';
import { SEED_RUNS, type RowsDataset, type Seeder, type SeedOptions } from './index.ts';

const RUNS_TABLE = `public.${SEED_RUNS}`;
const LOCK_TIMEOUT_MS = 30_000;
/** Another writer of the same rows took them in another order: deadlock, or a serialization failure. */
const RETRYABLE: ReadonlySet<unknown> = new Set(['40P01', '40001']);
const ATTEMPTS = 4;

/** Rows, counts and the record of the run are one transaction. */
export const seedPostgres: Seeder = (dataset, options) =>
  withPostgres(
    {
      uri: options.uri,
      database: dataset.database,
      applicationName: `orderplane-seed ${options.run}`,
      signal: options.signal,
    },
    async (client) => {
      await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
      await ensureRunsTable(client);
      for (let attempt = 1; ; attempt++) {
        try {
          return await inTransaction(client, () => seedOnce(client, dataset, options));
        } catch (error) {
          if (!RETRYABLE.has(codeOf(error)) || attempt === ATTEMPTS) throw seedError(dataset, error);
          await delay(attempt * 100, undefined, { signal: options.signal });
        }
      }
    },
  );

async function seedOnce(client: PgClient, dataset: RowsDataset, { run, inputHash }: SeedOptions): Promise<SeedCounts> {
  const recorded = await claimRun(client, dataset, run, inputHash);
  if (recorded) return recorded;
  const table = await readTable(client, dataset);
  checkDataset(dataset, table);
  // Triggers and policies of the table run with its owner's rights, not with the administrator's.
  await client.query(`SET LOCAL ROLE ${quoteName(table.owner)}`);
  await checkValues(client, dataset, table);
  const counts: SeedCounts = { inserted: 0, updated: 0, skipped: 0, deleted: 0 };
  for (const [columns, rows] of rowsByColumns(dataset.rows, table)) {
    const written = await writeRows(client, dataset, table, columns, rows);
    counts.inserted += written.inserted;
    counts.updated += written.updated;
    counts.skipped += rows.length - written.inserted - written.updated;
  }
  await client.query('SET LOCAL ROLE NONE');
  await client.query(
    `UPDATE ${RUNS_TABLE} SET inserted = $3, updated = $4, skipped = $5, finished_at = clock_timestamp() WHERE run = $1 AND dataset = $2`,
    [run, dataset.name, counts.inserted, counts.updated, counts.skipped],
  );
  return counts;
}

async function ensureRunsTable(client: PgClient): Promise<void> {
  const { rows } = await client.query<{ exists: boolean }>('SELECT to_regclass($1) IS NOT NULL AS exists', [
    RUNS_TABLE,
  ]);
  if (rows[0]?.exists) return;
  await client
    .query(
      `CREATE TABLE IF NOT EXISTS ${RUNS_TABLE} (
        run text NOT NULL,
        dataset text NOT NULL,
        input_hash text NOT NULL,
        inserted bigint NOT NULL DEFAULT 0,
        updated bigint NOT NULL DEFAULT 0,
        skipped bigint NOT NULL DEFAULT 0,
        started_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz,
        PRIMARY KEY (run, dataset)
      )`,
    )
    .catch((error: unknown) => {
      // IF NOT EXISTS does not keep two sessions from colliding in the catalogue; either has made the same table.
      if (codeOf(error) !== '23505' && codeOf(error) !== '42P07') throw error;
    });
}

/** The counts of this run, when it was applied already. Else its row is ours until the end of the transaction. */
async function claimRun(
  client: PgClient,
  dataset: RowsDataset,
  run: string,
  inputHash: string,
): Promise<SeedCounts | undefined> {
  const { rowCount } = await client.query(
    `INSERT INTO ${RUNS_TABLE} (run, dataset, input_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
    [run, dataset.name, inputHash],
  );
  if (rowCount === 1) return undefined;
  const { rows } = await client.query<SeedCounts>(
    `SELECT inserted::float8 AS inserted, updated::float8 AS updated, skipped::float8 AS skipped, 0 AS deleted
       FROM ${RUNS_TABLE} WHERE run = $1 AND dataset = $2`,
    [run, dataset.name],
  );
  return rows[0];
}

async function readTable(client: PgClient, dataset: RowsDataset): Promise<Table> {
  const [name = '', schema = 'public'] = (dataset.table ?? '').split('.').reverse();
  const { rows } = await client.query<Table>(
    `SELECT format('%I.%I', nspname, relname) AS name, pg_get_userbyid(relowner) AS owner,
            (SELECT jsonb_agg(jsonb_build_object(
                'name', attname, 'type', format_type(atttypid, atttypmod), 'notNull', attnotnull,
                'hasDefault', atthasdef OR attidentity <> '', 'generated', attgenerated <> '' OR attidentity = 'a') ORDER BY attnum)
               FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped) AS columns,
            coalesce((SELECT jsonb_agg((SELECT jsonb_agg(attname) FROM pg_attribute
                                         WHERE attrelid = pg_class.oid AND attnum = ANY(indkey[0 : indnkeyatts - 1])))
               FROM pg_index WHERE indrelid = pg_class.oid AND indisunique AND indisvalid AND indimmediate
                AND indpred IS NULL AND indexprs IS NULL), '[]') AS "uniqueKeys"
       FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
      WHERE nspname = $1 AND relname = $2 AND relkind IN ('r', 'p')`,
    [schema, name],
  );
  const table = rows[0];
  if (!table)
    throw invalidDataset(dataset, `table "${dataset.table}" does not exist in database "${dataset.database}"`);
  return table;
}

/** Values that the column's type cannot read, told with their row. Lists, objects and JSON columns are left to the write itself. */
async function checkValues(client: PgClient, dataset: RowsDataset, table: Table): Promise<void> {
  const columns = table.columns.filter(({ type }) => type !== 'json' && type !== 'jsonb');
  const { rows } = await client.query<{ number: number; name: string; message: string }>(
    `SELECT number::int, name, (pg_input_error_info(value #>> '{}', type)).message
       FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS input (row, number), jsonb_each(row) AS cell (name, value)
       JOIN unnest($2::text[], $3::text[]) AS columns (name, type) USING (name)
      WHERE jsonb_typeof(value) IN ('string', 'number', 'boolean') AND NOT pg_input_is_valid(value #>> '{}', type)
      ORDER BY number LIMIT 1`,
    [JSON.stringify(dataset.rows), columns.map((column) => column.name), columns.map((column) => column.type)],
  );
  const fault = rows[0];
  if (fault) throw invalidDataset(dataset, `row ${fault.number}: column "${fault.name}": ${fault.message}`);
}

/** Rows may leave columns out: those keep their default or their value, so rows with the same columns are written together. */
function rowsByColumns(rows: readonly SeedRow[], table: Table): [Column[], SeedRow[]][] {
  const groups = Map.groupBy(rows, (row) => table.columns.map(({ name }) => (name in row ? '1' : '0')).join(''));
  return [...groups.values()].map((group) => [table.columns.filter(({ name }) => name in (group[0] ?? {})), group]);
}

/** Types without an equality of their own, or with one that means something else, are compared as text. */
const COMPARED_AS_TEXT: ReadonlySet<string> = new Set([
  'json',
  'xml',
  'point',
  'line',
  'lseg',
  'box',
  'path',
  'polygon',
  'circle',
]);

/**
 * One statement; the database counts. A row that was inserted has no xmax; one that ON CONFLICT updated was locked first, and has.
 * Rows that hold the same already are not touched, and not returned.
 */
async function writeRows(
  client: PgClient,
  dataset: RowsDataset,
  table: Table,
  columns: readonly Column[],
  rows: readonly SeedRow[],
): Promise<{ inserted: number; updated: number }> {
  const names = columns.map((column) => quoteName(column.name)).join(', ');
  const types = columns.map((column) => `${quoteName(column.name)} ${column.type}`).join(', ');
  const changing = columns.filter((column) => !dataset.key.includes(column.name));
  const side = (of: string): string =>
    changing
      .map(({ name, type }) => `${of}.${quoteName(name)}${COMPARED_AS_TEXT.has(type) ? '::text' : ''}`)
      .join(', ');
  const action =
    dataset.mode === 'InsertOnly' || changing.length === 0
      ? 'NOTHING'
      : `UPDATE SET ${changing.map(({ name }) => `${quoteName(name)} = EXCLUDED.${quoteName(name)}`).join(', ')}
           WHERE ROW(${side('target')}) IS DISTINCT FROM ROW(${side('EXCLUDED')})`;
  const { rows: counted } = await client.query<{ inserted: number; updated: number }>(
    `WITH written AS (
       INSERT INTO ${table.name} AS target (${names})
       SELECT ${names} FROM jsonb_to_recordset($1::jsonb) AS input (${types})
       ON CONFLICT (${dataset.key.map(quoteName).join(', ')}) DO ${action}
       RETURNING target.xmax = 0 AS inserted
     )
     SELECT count(*) FILTER (WHERE inserted)::int AS inserted, count(*) FILTER (WHERE NOT inserted)::int AS updated FROM written`,
    [JSON.stringify(rows)],
  );
  return counted[0] ?? { inserted: 0, updated: 0 };
}

function seedError(dataset: RowsDataset, error: unknown): unknown {
  if (error instanceof JobError || isUnreachable(error) || codeOf(error) === undefined) return error;
  const { detail } = error as { detail?: string };
  return new JobError('SeedRejected', `dataset "${dataset.name}": ${messageOf(error)}${detail ? ` (${detail})` : ''}`, {
    cause: error,
  });
}
