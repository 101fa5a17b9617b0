import type { PgClient } from '../../postgres.ts';
import type { ColumnType } from './column-type.ts';
import { unqualified } from './nodes.ts';

/** What the live database knows of the names that statements use. */
export interface Catalog {
  /** Whether no relation of this name, without its schema, is in any schema. */
  isAbsent(relation: string): boolean;
  column(table: string, column: string): ColumnType | undefined;
  /** Whether a valid CHECK says that a column is never null: SET NOT NULL then scans nothing. */
  isNeverNull(table: string, column: string): boolean;
  /** What may be behind a function's name; `undefined` where there is none of this name. */
  routine(name: string): Routine | undefined;
}

export interface Routine {
  /** One that is not volatile cannot write: Postgres sees to it. */
  isVolatile: boolean;
  /** Postgres's own. */
  isBuiltIn: boolean;
}

export interface CatalogNames {
  /** As `schema.name`. */
  tables: Iterable<string>;
  /** Without schema. */
  routines: Iterable<string>;
}

/** Reads, in as few queries as there are kinds of names, what is known of these. */
export async function readCatalog(client: PgClient, names: CatalogNames): Promise<Catalog> {
  const [tables, routines] = [[...names.tables], [...names.routines]];
  const columns = tables.length > 0 ? await readColumns(client, tables) : [];
  const checked = tables.length > 0 ? await readNotNullChecks(client, tables) : [];
  const known = new Map(
    (routines.length > 0 ? await readRoutines(client, routines) : []).map((row) => [row.name, row]),
  );
  const present = new Set(tables.length > 0 ? await readPresent(client, tables) : []);
  const byColumn = new Map(columns.map((row) => [`${row.table}.${row.column}`, row]));
  const neverNull = new Set(checked);
  return {
    isAbsent: (relation) => !present.has(relation),
    column: (table, column) => byColumn.get(`${table}.${column}`),
    isNeverNull: (table, column) => neverNull.has(`${table}.${column}`),
    routine: (name) => known.get(name),
  };
}

type ColumnRow = ColumnType & { table: string; column: string };

async function readColumns(client: PgClient, tables: readonly string[]): Promise<ColumnRow[]> {
  const { rows } = await client.query<ColumnRow>(
    `SELECT n.nspname || '.' || c.relname AS "table", a.attname AS "column", t.typname AS name,
            CASE WHEN a.atttypmod < 0 THEN '{}'
                 WHEN t.typname IN ('varchar', 'bpchar') THEN ARRAY[a.atttypmod - 4]
                 WHEN t.typname = 'numeric' THEN ARRAY[((a.atttypmod - 4) >> 16) & 65535, ((a.atttypmod - 4) & 2047 # 1024) - 1024]
                 ELSE ARRAY[a.atttypmod] END AS modifiers
       FROM pg_class c
       JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       JOIN pg_type t ON t.oid = a.atttypid
      WHERE n.nspname || '.' || c.relname = ANY ($1)`,
    [tables],
  );
  return rows;
}

async function readPresent(client: PgClient, tables: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT DISTINCT relname AS name FROM pg_class WHERE relname = ANY ($1)`,
    [tables.map(unqualified)],
  );
  return rows.map(({ name }) => name);
}

async function readNotNullChecks(client: PgClient, tables: readonly string[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT n.nspname || '.' || c.relname || '.' || a.attname AS name
       FROM pg_constraint k
       JOIN pg_class c ON c.oid = k.conrelid
       JOIN pg_namespace n ON n.oid = c.relnamespace
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
      WHERE k.contype = 'c' AND k.convalidated AND cardinality(k.conkey) = 1
        AND pg_get_expr(k.conbin, k.conrelid) = format('(%I IS NOT NULL)', a.attname)
        AND n.nspname || '.' || c.relname = ANY ($1)`,
    [tables],
  );
  return rows.map(({ name }) => name);
}

async function readRoutines(client: PgClient, names: readonly string[]): Promise<(Routine & { name: string })[]> {
  const { rows } = await client.query<Routine & { name: string }>(
    `SELECT p.proname AS name, bool_or(p.provolatile = 'v') AS "isVolatile", bool_and(n.nspname = 'pg_catalog') AS "isBuiltIn"
       FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE p.proname = ANY ($1)
      GROUP BY p.proname`,
    [names],
  );
  return rows;
}
