/** What can be wrong with a dataset in the eyes of its table. */
import type { SeedDataset, SeedRow } from '../contract.ts';
import { invalidDataset } from './invalid-dataset.ts';
import type { Column, Table } from './table.ts';

export const sameColumns = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((column) => b.includes(column));

/** The key must be one by which the table tells rows apart. */
export function checkKey(dataset: SeedDataset, table: Table): void {
  const { key } = dataset;
  const unknown = key.find((name) => !columnOf(table, name));
  if (unknown !== undefined)
    throw invalidDataset(dataset, `key column "${unknown}" does not exist in ${table.name} (${columnList(table)})`);
  if (table.uniqueKeys.some((unique) => sameColumns(unique, key))) return;
  const fault = `the key (${key.join(', ')}) is not unique in ${table.name}: it needs a primary key or a unique index on exactly these columns`;
  throw invalidDataset(dataset, fault);
}

type ColumnsCheck = (names: readonly string[], table: Table, key: readonly string[]) => string | undefined;

/** In order: the later ones rely on the earlier. */
const COLUMNS_CHECKS: readonly ColumnsCheck[] = [columnUnknown, columnGenerated, keyLeftOut, columnLeftOut];

/** What is wrong with rows that hold exactly these columns. */
export function columnsFault(names: readonly string[], table: Table, key: readonly string[]): string | undefined {
  for (const check of COLUMNS_CHECKS) {
    const fault = check(names, table, key);
    if (fault) return fault;
  }
  return undefined;
}

function columnUnknown(names: readonly string[], table: Table): string | undefined {
  const unknown = names.find((name) => !columnOf(table, name));
  return unknown === undefined ? undefined : `column "${unknown}" does not exist in ${table.name} (${columnList(table)})`;
} // prettier-ignore

function columnGenerated(names: readonly string[], table: Table): string | undefined {
  const generated = names.find((name) => columnOf(table, name)?.generated);
  return generated && `column "${generated}" is computed by the database: leave it out`;
}

function keyLeftOut(names: readonly string[], _: Table, key: readonly string[]): string | undefined {
  const missing = key.find((name) => !names.includes(name));
  return missing && keyWithoutValue(missing);
}

function columnLeftOut(names: readonly string[], table: Table): string | undefined {
  const missing = table.columns.find(
    ({ name, notNull, hasDefault, generated }) => notNull && !hasDefault && !generated && !names.includes(name),
  );
  return missing && withoutValue(missing.name);
}

/** What is wrong with the values of a row whose columns are right. */
export function nullFault(row: SeedRow, columns: readonly Column[], key: readonly string[]): string | undefined {
  for (const { name, notNull } of columns) {
    if (row[name] !== null) continue;
    if (key.includes(name)) return keyWithoutValue(name);
    if (notNull) return withoutValue(name);
  }
  return undefined;
}

export const keyWithoutValue = (name: string): string => `key column "${name}" has no value`;
export const withoutValue = (name: string): string => `column "${name}" has no value, and may not be null`;

const columnOf = (table: Table, name: string): Column | undefined =>
  table.columns.find((column) => column.name === name);
const columnList = (table: Table): string => `it has ${table.columns.map((column) => column.name).join(', ')}`;
