/** From the staged rows into the target, a statement for each thing to do; the database counts. */
import type { SeedCounts } from '../contract.ts';
import { codeOf } from '../failures.ts';
import { quoteName, type PgClient } from '../postgres.ts';
import type { Shape } from './encode.ts';
import { invalidDataset } from './invalid-dataset.ts';
import { namesOf, type Staged, type Target } from './stage.ts';
import type { Column } from './table.ts';

const UNIQUE_VIOLATION = '23505';
/**
 * With less, a join of a million rows goes through the target in parts, each all over it, and takes twice as long. What a join takes is twice
 * this at most, which a managed server has beside its buffers.
 */
const WORK_MEMORY = '64MB';

export async function write(target: Target, staged: Staged): Promise<SeedCounts> {
  const { client, dataset, progress } = target;
  await client.query(
    `SELECT set_config('work_mem', $1, true) WHERE pg_size_bytes(current_setting('work_mem')) < pg_size_bytes($1)`,
    [WORK_MEMORY],
  );
  await refuseRepeatedKeys(target, staged);
  progress.tell(`${dataset.name}: writing ${staged.rows} rows`);
  // First, so that what is deleted is in nobody's way.
  const deleted = dataset.mode === 'Replace' ? await deleteOthers(target, staged) : 0;
  const counts: SeedCounts = { inserted: 0, updated: 0, skipped: staged.rows, deleted };
  for (const shape of staged.shapes) {
    const { inserted, updated } = await writeShape(target, staged, shape);
    counts.inserted += inserted;
    counts.updated += updated;
    counts.skipped -= inserted + updated;
  }
  return counts;
}

/** By an index, whose sort takes less time than a hash of all keys. */
async function refuseRepeatedKeys({ client, dataset, table, source }: Target, { name }: Staged): Promise<void> {
  const key = dataset.key.map(quoteName).join(', ');
  await client.query('SAVEPOINT before_index');
  try {
    // The temporary table is the administrator's.
    await client.query('SET LOCAL ROLE NONE');
    await client.query(`CREATE UNIQUE INDEX ON ${name} (${key})`);
    await client.query(`SET LOCAL ROLE ${quoteName(table.owner)}`);
    return;
  } catch (error) {
    if (codeOf(error) !== UNIQUE_VIOLATION) throw error;
    await client.query('ROLLBACK TO SAVEPOINT before_index');
  }
  // Nothing was ever deleted from the staged rows: they lie in the order in which they came.
  const { rows } = await client.query<{ numbers: [number, number]; key: unknown[] }>(
    `WITH numbered AS (SELECT row_number() OVER (ORDER BY ctid) AS number, ${key} FROM ${name})
     SELECT (array_agg(number::float8 ORDER BY number))[1:2] AS numbers, jsonb_build_array(${key}) AS key
       FROM numbered GROUP BY ${key} HAVING count(*) > 1 ORDER BY 1 LIMIT 1`,
  );
  const { numbers: [first, second], key: value } = rows[0]!; // prettier-ignore
  const fault = `${await source.where(second)}: has the same key as ${await source.where(first)}: ${JSON.stringify(value)}`;
  throw invalidDataset(dataset, fault);
}

async function deleteOthers({ client, dataset, table }: Target, { name }: Staged): Promise<number> {
  const { rowCount } = await client.query(
    `DELETE FROM ${table.name} AS target WHERE NOT EXISTS (SELECT FROM ${name} AS staged WHERE ${sameKey(dataset.key)})`,
  );
  return rowCount ?? 0;
}

type Written = Pick<SeedCounts, 'inserted' | 'updated'>;

/** Updates rows that differ, then inserts those that are not there. A row that holds the same already is not touched at all, not even locked. */
async function writeShape(target: Target, staged: Staged, shape: Shape): Promise<Written> {
  const { client, dataset, table } = target;
  const names = namesOf(shape.columns);
  const changing = dataset.mode === 'InsertOnly' ? [] : shape.columns.filter(({ name }) => !dataset.key.includes(name));
  const missing = `
    SELECT ${names.map((name) => `staged.${name}`).join(', ')} FROM ${staged.name} AS staged
     WHERE ${staged.isOf(shape)} AND NOT EXISTS (SELECT FROM ${table.name} AS target WHERE ${sameKey(dataset.key)})`;
  const into = `INSERT INTO ${table.name} AS target (${names.join(', ')})`;
  const onConflict = `ON CONFLICT (${dataset.key.map(quoteName).join(', ')}) DO`;
  if (changing.length === 0) {
    const { rowCount } = await client.query(`${into} ${missing} ${onConflict} NOTHING`);
    return { inserted: rowCount ?? 0, updated: 0 };
  }
  const update = async (): Promise<number> => {
    const { rowCount } = await client.query(
      `UPDATE ${table.name} AS target SET ${assignments(changing, 'staged')} FROM ${staged.name} AS staged
        WHERE ${staged.isOf(shape)} AND ${sameKey(dataset.key)} AND ${differs(changing, 'staged')}`,
    );
    return rowCount ?? 0;
  };
  const updated = await update();
  if (updated === staged.rows) return { inserted: 0, updated };
  // Somebody else may have inserted some of the missing rows since the statement began.
  const late = table.partitioned
    ? await insertIntoPartitions(client, { into, missing, onConflict, update })
    : await insertOrUpdate(client, `${into} ${missing} ${onConflict} UPDATE SET ${assignments(changing, 'EXCLUDED')} WHERE ${differs(changing, 'EXCLUDED')}`);
  return { inserted: late.inserted, updated: late.updated + updated };
} // prettier-ignore

/** A row that was inserted has no xmax, and one that was found has. */
async function insertOrUpdate(client: PgClient, upsert: string): Promise<Written> {
  const { rows } = await client.query<Written>(
    `WITH written AS (${upsert} RETURNING target.xmax = 0 AS inserted)
     SELECT count(*) FILTER (WHERE inserted)::int AS inserted, count(*) FILTER (WHERE NOT inserted)::int AS updated FROM written`,
  );
  return rows[0]!;
}

/** Those of a partitioned table tell no xmax. */
async function insertIntoPartitions(
  client: PgClient,
  sql: { into: string; missing: string; onConflict: string; update: () => Promise<number> },
): Promise<Written> {
  const { rows } = await client.query<{ missing: number; inserted: number }>(
    `WITH missing AS MATERIALIZED (${sql.missing}), written AS (${sql.into} SELECT * FROM missing ${sql.onConflict} NOTHING RETURNING 1)
     SELECT (SELECT count(*) FROM missing)::int AS missing, (SELECT count(*) FROM written)::int AS inserted`,
  );
  const { missing, inserted } = rows[0]!;
  // What others have inserted meanwhile is there to be updated now.
  return { inserted, updated: missing > inserted ? Math.min(await sql.update(), missing - inserted) : 0 };
}

const sameKey = (key: readonly string[]): string =>
  key.map((name) => `target.${quoteName(name)} = staged.${quoteName(name)}`).join(' AND ');

const assignments = (columns: readonly Column[], from: string): string =>
  namesOf(columns)
    .map((name) => `${name} = ${from}.${name}`)
    .join(', ');

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

function differs(columns: readonly Column[], from: string): string {
  const side = (of: string): string =>
    columns.map(({ name, type }) => `${of}.${quoteName(name)}${COMPARED_AS_TEXT.has(type) ? '::text' : ''}`).join(', ');
  return `ROW(${side('target')}) IS DISTINCT FROM ROW(${side(from)})`;
}
