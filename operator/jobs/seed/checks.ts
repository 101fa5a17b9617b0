/** What can be wrong with a dataset, found before its first row is written. Messages name dataset, row and column. */
import type { SeedRow } from '../contract.ts';
import type { RowsDataset } from './index.ts';
import { JobError } from '../failures.ts';

export interface Column {
  name: string;
  /** As Postgres writes it, with its modifier: `character varying(20)`. */
  type: string;
  notNull: boolean;
  hasDefault: boolean;
  /** GENERATED ALWAYS: the database computes it. */
  generated: boolean;
}

export interface Table {
  /** Quoted, with its schema. */
  name: string;
  owner: string;
  columns: Column[];
  /** The columns of each unique index that a conflict can be decided by. */
  uniqueKeys: string[][];
}

type Check = (dataset: RowsDataset, table: Table) => string | undefined;

/** In order: the later ones rely on the earlier. */
const CHECKS: readonly Check[] = [
  keyColumnUnknown,
  keyNotUnique,
  columnUnknown,
  columnGenerated,
  keyMissingInRow,
  valueMissing,
  keyRepeated,
];

export function checkDataset(dataset: RowsDataset, table: Table): void {
  for (const check of CHECKS) {
    const fault = check(dataset, table);
    if (fault) throw invalidDataset(dataset, fault);
  }
}

export function invalidDataset(dataset: RowsDataset, fault: string): JobError {
  return new JobError('InvalidDataset', `dataset "${dataset.name}": ${fault}`);
}

export const sameColumns = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((column) => b.includes(column));

function keyColumnUnknown({ key }: RowsDataset, table: Table): string | undefined {
  const unknown = key.find((name) => !columnOf(table, name));
  return unknown && `key column "${unknown}" does not exist in ${table.name} (${columnList(table)})`;
}

function keyNotUnique({ key }: RowsDataset, table: Table): string | undefined {
  if (table.uniqueKeys.some((unique) => sameColumns(unique, key))) return undefined;
  return `the key (${key.join(', ')}) is not unique in ${table.name}: it needs a primary key or a unique index on exactly these columns`;
}

function columnUnknown({ rows }: RowsDataset, table: Table): string | undefined {
  return firstInRows(rows, (row) => {
    const unknown = Object.keys(row).find((name) => !columnOf(table, name));
    return unknown && `column "${unknown}" does not exist in ${table.name} (${columnList(table)})`;
  });
}

function columnGenerated({ rows }: RowsDataset, table: Table): string | undefined {
  return firstInRows(rows, (row) => {
    const generated = Object.keys(row).find((name) => columnOf(table, name)?.generated);
    return generated && `column "${generated}" is computed by the database: leave it out`;
  });
}

export function keyMissingInRow({ rows, key }: RowsDataset): string | undefined {
  return firstInRows(rows, (row) => {
    const missing = key.find((name) => row[name] == null);
    return missing && `key column "${missing}" has no value`;
  });
}

function valueMissing({ rows }: RowsDataset, table: Table): string | undefined {
  return firstInRows(rows, (row) => {
    const missing = table.columns.find(
      ({ name, notNull, hasDefault, generated }) =>
        notNull && !generated && (row[name] === null || (row[name] === undefined && !hasDefault)),
    );
    return missing && `column "${missing.name}" has no value, and may not be null`;
  });
}

export function keyRepeated({ rows, key }: RowsDataset): string | undefined {
  const seen = new Map<string, number>();
  return firstInRows(rows, (row, number) => {
    const value = JSON.stringify(key.map((name) => row[name]));
    const before = seen.get(value);
    seen.set(value, number);
    return before && `has the same key as row ${before}: ${value}`;
  });
}

/** Rows are counted from 1, as people do. */
function firstInRows(
  rows: readonly SeedRow[],
  faultOf: (row: SeedRow, number: number) => string | number | undefined,
): string | undefined {
  for (const [i, row] of rows.entries()) {
    const fault = faultOf(row, i + 1);
    if (fault) return `row ${i + 1}: ${fault}`;
  }
  return undefined;
}

const columnOf = (table: Table, name: string): Column | undefined =>
  table.columns.find((column) => column.name === name);
const columnList = (table: Table): string => `it has ${table.columns.map((column) => column.name).join(', ')}`;
