/** Rows of JSON in the text format of COPY. */
import type { SeedRow } from '../contract.ts';
import { columnsFault, nullFault } from './checks.ts';
import { isExactNumber } from './exact-number.ts';
import type { Column, Table } from './table.ts';

/** Rows may leave columns out, which keep their default or their value: those with the same columns are of one shape. */
export interface Shape {
  number: number;
  columns: readonly Column[];
}

/** Each shape is a statement of its own. */
const MAX_SHAPES = 256;

export class RowFault extends Error {
  /** Counted from 1. */
  readonly row: number;

  constructor(row: number, fault: string) {
    super(fault);
    this.row = row;
  }
}

/** Tells the shapes of rows, in the order in which they first come; a `RowFault` for a row that does not fit the table. */
export function shapesOf(table: Table, key: readonly string[]): { all: Shape[]; of(row: SeedRow, at: number): Shape } {
  const all: Shape[] = [];
  const byNames = new Map<string, Shape>();
  const add = (names: readonly string[], at: number): Shape => {
    const columns = table.columns.filter(({ name }) => names.includes(name));
    const known = all.find((shape) => shape.columns.length === columns.length && columns.every((column) => shape.columns.includes(column)));
    const fault = columnsFault(names, table, key);
    if (fault) throw new RowFault(at, fault);
    if (known) return known;
    if (all.length === MAX_SHAPES) throw new RowFault(at, `is the first with yet another choice of columns, after ${MAX_SHAPES}: let rows have the same columns`);
    const shape = { number: all.length, columns };
    all.push(shape);
    return shape;
  };
  let last: { names: readonly string[]; shape: Shape } | undefined;
  const shapeOf = (names: readonly string[], at: number): Shape => {
    if (last && names.length === last.names.length && names.every((name, i) => name === last!.names[i])) return last.shape;
    const id = names.join('\0');
    const shape = byNames.get(id) ?? add(names, at);
    // The same columns may come in any order; what is remembered must not grow with that.
    if (byNames.size < 4 * MAX_SHAPES) byNames.set(id, shape);
    last = { names, shape };
    return shape;
  };
  return {
    all,
    of: (row, at) => {
      const shape = shapeOf(Object.keys(row), at);
      const fault = nullFault(row, shape.columns, key);
      if (fault) throw new RowFault(at, fault);
      return shape;
    },
  };
} // prettier-ignore

/** One line of COPY: `prefix`, then a value a column; a column that the row leaves out is null. */
export function copyLine(row: SeedRow, columns: readonly Column[], at: number, prefix?: number): string {
  let line = prefix === undefined ? '' : `${prefix}\t`;
  for (let i = 0; i < columns.length; i++) {
    const column = columns[i]!;
    const value = copyValue(row[column.name], column, at);
    line += i === 0 ? value : `\t${value}`;
  }
  return `${line}\n`;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function copyValue(value: SeedRow[string] | undefined, column: Column, at: number): string {
  if (value === undefined || value === null) return '\\N';
  const text = textOf(value, column, at);
  return /[\\\n\r\t]/.test(text) ? text.replaceAll(/[\\\n\r\t]/g, (character) => ESCAPES[character]!) : text;
}

function textOf(value: NonNullable<SeedRow[string]>, column: Column, at: number): string {
  if (column.kind === 'json') return JSON.stringify(value);
  if (typeof value !== 'object') return String(value);
  if (isExactNumber(value)) return JSON.stringify(value);
  if (column.kind === 'array' && Array.isArray(value)) return arrayText(value);
  const what = Array.isArray(value) ? 'a list' : 'an object';
  throw new RowFault(
    at,
    `column "${column.name}": ${what} is no ${column.type}: write the value as Postgres reads it, in a text`,
  );
}

/** As Postgres reads arrays: `{1,"two",NULL}`. */
function arrayText(list: readonly SeedRow[string][]): string {
  const items = list.map((item) => {
    if (item === null) return 'NULL';
    if (Array.isArray(item)) return arrayText(item);
    const text = typeof item === 'string' ? item : JSON.stringify(item);
    return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
  });
  return `{${items.join(',')}}`;
}
