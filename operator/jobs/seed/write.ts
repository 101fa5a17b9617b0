/** From the staged rows into the target, a statement for each thing to do; the database counts. */
import type { SeedCounts } from '../contract.ts';
import { codeOf } from '../failures.ts';
import { quoteName } from '../postgres.ts';
import type { Shape } from './encode.ts';
import { invalidDataset } from './invalid-dataset.ts';
import { copyToTarget, namesOf, type Staged, type Target } from './stage.ts';
import type { Column } from './table.ts';

const UNIQUE_VIOLATION = '23505';

export async function write(target: Target, staged: Staged): Promise<SeedCounts> {
  const { dataset, progress } = target;
  const copied = await copyIntoEmpty(target, staged);
  if (copied !== undefined) return { inserted: copied, updated: 0, skipped: 0, deleted: 0 };
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

/**
 * An empty table that nothing watches takes all rows by COPY, which is the fastest way in. Should two rows have the same key, or
 * somebody else be writing, that is undone, and the staged rows tell.
 */
async function copyIntoEmpty(target: Target, { rows, shapes }: Staged): Promise<number | undefined> {
  const { client, dataset, table } = target;
  const [shape] = shapes;
  if (!table.plain || !shape || shapes.length > 1) return undefined;
  const { rowCount } = await client.query(`SELECT FROM ${table.name} LIMIT 1`);
  if (rowCount !== 0) return undefined;
  await client.query('SAVEPOINT before_copy');
  try {
    const copied = await copyToTarget(target, shape);
    if (copied !== rows) throw invalidDataset(dataset, 'its rows changed while they were read');
    return copied;
  } catch (error) {
    if (codeOf(error) !== UNIQUE_VIOLATION) throw error;
    await client.query('ROLLBACK TO SAVEPOINT before_copy');
    return undefined;
  }
}

async function refuseRepeatedKeys({ client, dataset, source }: Target, { name }: Staged): Promise<void> {
  const key = dataset.key.map(quoteName).join(', ');
  const twice = await client.query(`SELECT FROM ${name} GROUP BY ${key} HAVING count(*) > 1 LIMIT 1`);
  if (twice.rowCount === 0) return;
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

/**
 * Updates rows that differ, then inserts those that are not there. Somebody else may insert a row in between: ON CONFLICT finds it, and only
 * rows that were inserted have no xmax then. A row that holds the same already is not touched at all, not even locked.
 */
async function writeShape(
  { client, dataset, table }: Target,
  staged: Staged,
  shape: Shape,
): Promise<{ inserted: number; updated: number }> {
  const names = namesOf(shape.columns);
  const changing = dataset.mode === 'InsertOnly' ? [] : shape.columns.filter(({ name }) => !dataset.key.includes(name));
  const missing = `
    INSERT INTO ${table.name} AS target (${names.join(', ')})
    SELECT ${names.map((name) => `staged.${name}`).join(', ')} FROM ${staged.name} AS staged
     WHERE ${staged.isOf(shape)} AND NOT EXISTS (SELECT FROM ${table.name} AS target WHERE ${sameKey(dataset.key)})
    ON CONFLICT (${dataset.key.map(quoteName).join(', ')}) DO`;
  if (changing.length === 0) {
    const { rowCount } = await client.query(`${missing} NOTHING`);
    return { inserted: rowCount ?? 0, updated: 0 };
  }
  const updated = await client.query(
    `UPDATE ${table.name} AS target SET ${assignments(changing, 'staged')} FROM ${staged.name} AS staged
      WHERE ${staged.isOf(shape)} AND ${sameKey(dataset.key)} AND ${differs(changing, 'staged')}`,
  );
  const { rows } = await client.query<{ inserted: number; updated: number }>(
    `WITH written AS (
       ${missing} UPDATE SET ${assignments(changing, 'EXCLUDED')} WHERE ${differs(changing, 'EXCLUDED')}
       RETURNING target.xmax = 0 AS inserted
     )
     SELECT count(*) FILTER (WHERE inserted)::int AS inserted, count(*) FILTER (WHERE NOT inserted)::int AS updated FROM written`,
  );
  const late = rows[0] ?? { inserted: 0, updated: 0 };
  return { inserted: late.inserted, updated: late.updated + (updated.rowCount ?? 0) };
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
