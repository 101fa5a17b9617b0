/** What is compared: of every table how many rows it has, and a checksum of them that does not depend on their order. */
import { quoteName, quoteText, type PgClient } from '../postgres.ts';

export interface TableName {
  schema: string;
  name: string;
}
export interface TableContent extends TableName {
  rows: number;
  /** The sum of the first 64 bits of each row's hash, in decimal. */
  checksum: string;
}

/** The text of a row must not depend on who reads it. */
export const STABLE_TEXT = [
  `SET LOCAL DateStyle = 'ISO, MDY'`,
  `SET LOCAL IntervalStyle = 'iso_8601'`,
  `SET LOCAL TimeZone = 'UTC'`,
  `SET LOCAL extra_float_digits = 3`,
  `SET LOCAL bytea_output = 'hex'`,
  `SET LOCAL lc_monetary = 'C'`,
  `SET LOCAL search_path = ''`,
  // Rather an error than rows that a policy hides.
  `SET LOCAL row_security = off`,
] as const;

/** Tables with rows of their own, partitions included. What belongs to an extension is the extension's to restore. */
const TABLES = `
  FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                    WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid AND d.deptype = 'e')`;

export async function readTables(client: PgClient): Promise<TableName[]> {
  const sql = `SELECT n.nspname AS schema, c.relname AS name ${TABLES} ORDER BY 1, 2`;
  return (await client.query<TableName>(sql)).rows;
}

/** Reads every table once; the server sums, so that no row comes here. */
export async function readContents(
  client: PgClient,
  tables: readonly TableName[],
  onTable: (done: number) => void = () => {},
): Promise<TableContent[]> {
  const contents: TableContent[] = [];
  for (const table of tables) {
    const { rows } = await client.query<{ rows: string; checksum: string }>(contentOf(table));
    contents.push({ ...table, rows: Number(rows[0]?.rows), checksum: rows[0]?.checksum ?? '' });
    onTable(contents.length);
  }
  return contents;
}

// A column of the alias's name would be taken for the row.
const ROW = 'orderplane_row_of_a_table';

function contentOf({ schema, name }: TableName): string {
  const hash = `pg_catalog.sha256(pg_catalog.convert_to(${ROW}::text, pg_catalog.getdatabaseencoding()))`;
  const number = `('x' || left(pg_catalog.encode(${hash}, 'hex'), 16))::bit(64)::bigint`;
  return `SELECT count(*)::text AS rows, coalesce(sum(${number}), 0)::text AS checksum FROM ONLY ${quoteName(schema)}.${quoteName(name)} AS ${ROW}`;
}

/** In which table two readings differ, in words; undefined where they are the same. */
export function difference(expected: readonly TableContent[], found: readonly TableContent[]): string | undefined {
  const byName = new Map(found.map((table) => [nameOf(table), table]));
  for (const table of expected) {
    const other = byName.get(nameOf(table));
    byName.delete(nameOf(table));
    if (!other) return `table ${nameOf(table)} is missing`;
    if (other.rows !== table.rows) return `table ${nameOf(table)} has ${other.rows} rows instead of ${table.rows}`;
    if (other.checksum !== table.checksum) return `the rows of table ${nameOf(table)} are not the same`;
  }
  const [extra] = byName.keys();
  return extra && `table ${extra} should not be there`;
}

export const nameOf = ({ schema, name }: TableName): string => `${schema}.${name}`;

/** SQL that raises an error, in the words of `difference`, unless the tables of the database are these. */
export function assertion(expected: readonly TableContent[]): string {
  const checks = expected.map((table) => {
    const fault = quoteText(`table ${nameOf(table)} has %s rows instead of ${table.rows}, or others than it had`);
    return `${contentOf(table).replace(' FROM ONLY', ' INTO STRICT found FROM ONLY')};
    IF (found.rows, found.checksum) IS DISTINCT FROM ('${table.rows}', '${table.checksum}') THEN RAISE EXCEPTION USING MESSAGE = format(${fault}, found.rows); END IF;`;
  });
  return [
    ...STABLE_TEXT.map((setting) => `${setting};`),
    doBlock(`DECLARE found record; BEGIN
    ${checks.join('\n    ')}
    SELECT count(*) AS tables INTO STRICT found ${TABLES};
    IF found.tables <> ${expected.length} THEN RAISE EXCEPTION 'there are % tables instead of ${expected.length}', found.tables; END IF;
    END`),
  ].join('\n');
}

/** A block of PL/pgSQL, whatever its names and texts hold. */
export function doBlock(body: string): string {
  let tag = '$orderplane$';
  while (body.includes(tag)) tag = `${tag.slice(0, -1)}_$`;
  return `DO ${tag} ${body} ${tag};`;
}
