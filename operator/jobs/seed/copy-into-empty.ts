/** The fastest way in: all rows by one COPY, right into a table that is empty and that nothing watches. */
import { codeOf } from '../failures.ts';
import { quoteName } from '../postgres.ts';
import type { SeedCounts } from '../contract.ts';
import { copyLine, RowFault, shapesOf } from './encode.ts';
import { copyCsv, copyText, headerColumns, namesOf, type Target } from './stage.ts';

/**
 * Undefined where the table is not such a one, and where anything is wrong with the rows, or they are not all of one shape: then nothing has
 * changed, and the way by the staged rows tells what it is.
 */
export async function copyIntoEmpty(target: Target): Promise<SeedCounts | undefined> {
  const { client, table, source } = target;
  if (!table.plain || !keysAreWatched(target) || source.total === 0) return undefined;
  const { rowCount } = await client.query(`SELECT FROM ${table.name} LIMIT 1`);
  if (rowCount !== 0) return undefined;
  await client.query('SAVEPOINT before_copy');
  try {
    await client.query(`SET LOCAL ROLE ${quoteName(table.owner)}`);
    const inserted = await copyAll(target);
    if (inserted === source.total) return { inserted, updated: 0, skipped: 0, deleted: 0 };
  } catch (error) {
    if (!isAboutRows(error)) throw error;
  }
  // The role goes with it.
  await client.query('ROLLBACK TO SAVEPOINT before_copy');
  return undefined;
}

/** Whether the table itself refuses a row of a CSV file that has no key; rows of JSON are looked at before they are sent. */
const keysAreWatched = ({ source, table, dataset }: Target): boolean =>
  !source.csv || table.columns.every(({ name, notNull }) => notNull || !dataset.key.includes(name));

async function copyAll(target: Target): Promise<number> {
  const { table, dataset, source } = target;
  if (source.csv) return copyCsv(target, table.name, headerColumns(target, source.csv.header));
  const first = await firstRow(target);
  const shapes = shapesOf(table, dataset.key);
  const { columns } = shapes.of(first, 1);
  return copyText(target, `${table.name} (${namesOf(columns).join(', ')})`, (row, at) => {
    if (shapes.of(row, at).number > 0) throw new RowFault(at, 'has other columns than those before it');
    return copyLine(row, columns, at);
  });
}

async function firstRow({ source }: Target) {
  for await (const [row] of source.batches()) if (row) return row;
  return {};
}

/** Faults of values and of constraints, and what a constraint's own code raises. */
const isAboutRows = (error: unknown): boolean => error instanceof RowFault || /^(22|23|P0)/.test(String(codeOf(error)));
