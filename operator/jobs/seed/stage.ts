/** All rows of a dataset in a temporary table with the types of the target: what cannot be read is found here, before the target is touched. */
import { pipeline } from 'node:stream/promises';
import { from as copyFrom } from 'pg-copy-streams';
import type { SeedDataset, SeedRow } from '../contract.ts';
import { codeOf, messageOf } from '../failures.ts';
import { quoteName, type PgClient } from '../postgres.ts';
import type { Progress } from '../progress.ts';
import { isUnreachable } from '../unreachable.ts';
import { columnsFault, keyWithoutValue, withoutValue } from './checks.ts';
import { copyLine, RowFault, shapesOf, type Shape } from './encode.ts';
import { invalidDataset } from './invalid-dataset.ts';
import { countRows } from './lines.ts';
import type { Source } from './source.ts';
import type { Column, Table } from './table.ts';

/** The column that tells which columns a row has. */
const SHAPE = '"orderplane shape"';
const CHUNK_CHARACTERS = 64 * 1024;

export interface Target {
  client: PgClient;
  dataset: SeedDataset;
  table: Table;
  source: Source;
  progress: Progress;
}

export interface Staged {
  /** The temporary table. */
  name: string;
  rows: number;
  shapes: readonly Shape[];
  /** A condition on `staged` for the rows of one shape. */
  isOf(shape: Shape): string;
}

/**
 * Reads the whole source. The administrator makes the table and lets the owner of the target have it, who may have no right to make
 * temporary ones; the values are read as the owner, since what reads them may be the owner's own code (a domain's check).
 */
export async function stage(target: Target): Promise<Staged> {
  const { client, dataset, table, source } = target;
  const columns = source.csv ? headerColumns(target, source.csv.header) : table.columns.filter(({ generated }) => !generated);
  const definitions = columns.map(({ name, type, collation, notNull }) => {
    const required = source.csv && (notNull || dataset.key.includes(name));
    return `${quoteName(name)} ${type}${collation ? ` COLLATE ${collation}` : ''}${required ? ' NOT NULL' : ''}`;
  });
  if (!source.csv) definitions.unshift(`${SHAPE} smallint`);
  const name = 'pg_temp.orderplane_seed';
  await client.query(`CREATE TEMPORARY TABLE orderplane_seed (${definitions.join(', ')}) ON COMMIT DROP`);
  await client.query(`GRANT SELECT, INSERT ON ${name} TO ${quoteName(table.owner)}`);
  await client.query(`SET LOCAL ROLE ${quoteName(table.owner)}`);
  const shapes = shapesOf(table, dataset.key);
  try {
    const rows = source.csv
      ? await copyCsv(target, name, columns)
      : await copyText(target, `${name} (${[SHAPE, ...namesOf(columns)].join(', ')})`, (row, at) =>
          copyLine(row, columns, at, shapes.of(row, at).number),
        );
    if (source.csv && rows < source.total)
      throw new RowFault(rows + 1, 'holds only \\., which Postgres takes for the end of all data: write it in quotes');
    const all = source.csv ? [{ number: 0, columns }] : shapes.all;
    return { name, rows, shapes: all, isOf: ({ number }) => (all.length > 1 ? `staged.${SHAPE} = ${number}` : 'true') };
  } catch (error) {
    throw await rowError(target, error);
  }
} // prettier-ignore

export const namesOf = (columns: readonly Column[]): string[] => columns.map(({ name }) => quoteName(name));

export function headerColumns({ dataset, table }: Target, header: readonly string[]): Column[] {
  const fault = columnsFault(header, table, dataset.key);
  if (fault) throw invalidDataset(dataset, fault);
  return header.map((name) => table.columns.find((column) => column.name === name)!);
}

export async function copyCsv({ client, source, dataset, progress }: Target, into: string, columns: readonly Column[]): Promise<number> {
  const copy = client.query(copyFrom(`COPY ${into} (${namesOf(columns).join(', ')}) FROM STDIN (FORMAT csv, ENCODING 'UTF8')`));
  const counter = countRows(true);
  await pipeline(async function* () {
    for await (const chunk of source.csv!.bytes()) {
      counter.count(chunk);
      yield chunk;
      progress.tell(`${dataset.name}: ${counter.complete} of ${source.total} rows`);
    }
  }, copy);
  return copy.rowCount;
} // prettier-ignore

export async function copyText({ client, source, dataset, progress }: Target, into: string, lineOf: (row: SeedRow, at: number) => string): Promise<number> {
  const copy = client.query(copyFrom(`COPY ${into} FROM STDIN (ENCODING 'UTF8')`));
  await pipeline(async function* () {
    let at = 0;
    let text = '';
    for await (const batch of source.batches()) {
      for (const row of batch) text += lineOf(row, ++at);
      if (text.length < CHUNK_CHARACTERS) continue;
      yield Buffer.from(text);
      text = '';
      progress.tell(`${dataset.name}: ${at} of ${source.total} rows`);
    }
    if (text !== '') yield Buffer.from(text);
  }, copy);
  return copy.rowCount;
} // prettier-ignore

/** Which row, and which of its columns, COPY was at when it failed; words differ with the server's language, and their order does not. */
const AT = /^COPY orderplane_seed, \D*(\d+)(?:, \S+ ([^:]+))?/;

async function rowError({ dataset, source }: Target, error: unknown): Promise<unknown> {
  if (error instanceof RowFault) return invalidDataset(dataset, `${await source.where(error.row)}: ${error.message}`);
  const { where, column } = error as { where?: string; column?: string };
  const [, line, copied] = AT.exec(where ?? '') ?? [];
  if (line === undefined || isUnreachable(error)) return error;
  const place = source.csv ? source.csv.where(Number(line)) : await source.where(Number(line));
  const fault = () => (copied === undefined ? messageOf(error) : `column "${copied}": ${messageOf(error)}`);
  if (codeOf(error) !== '23502' || column === undefined) return invalidDataset(dataset, `${place}: ${fault()}`);
  return invalidDataset(dataset, `${place}: ${dataset.key.includes(column) ? keyWithoutValue(column) : withoutValue(column)}`);
} // prettier-ignore
