import { JobError } from '../failures.ts';
import { quoteText, type PgClient } from '../postgres.ts';
import { LEDGER, type LedgerEntry } from './ledger.ts';

export const LEDGER_TABLE = `public.${LEDGER}`;

/** Without these a table of this name is not ours. The others came later, and are added. */
const FIRST_COLUMNS = ['version', 'name', 'checksum', 'applied_at', 'duration_ms', 'run'];
const LATER_COLUMNS = {
  kind: `text NOT NULL DEFAULT 'up' CHECK (kind IN ('up', 'down', 'baseline'))`,
  state: `text NOT NULL DEFAULT 'applied' CHECK (state IN ('applied', 'dirty'))`,
  remaining: 'int NOT NULL DEFAULT 0',
  applied_by: 'text NOT NULL DEFAULT session_user',
};
const ABOUT = `Orderplane: the migrations that this database has. kind baseline stands for everything up to its version;
state dirty is of a statement outside a transaction that was begun and not seen to end; duration_ms is of the whole file; run is the Job; remaining files were to follow in it.`;

/** All entries, or the one of a version; `undefined` where there is no ledger. Takes a ledger of any release, and writes nothing. */
export async function readLedger(client: PgClient, version?: string): Promise<LedgerEntry[] | undefined> {
  const columns = await ledgerColumns(client);
  if (columns.length === 0) return undefined;
  const missing = FIRST_COLUMNS.filter((column) => !columns.includes(column));
  if (missing.length > 0) {
    throw new JobError(
      'ForeignLedger',
      `the table ${LEDGER_TABLE} is not a ledger of ours: it has no column ${missing.join(', ')}`,
    );
  }
  const later = (column: string, otherwise: string) => (columns.includes(column) ? column : otherwise);
  const { rows } = await client.query<Row>(
    `SELECT version, name, ${later('kind', `'up'`)} AS kind, ${later('state', `'applied'`)} AS state, checksum,
            applied_at AS "appliedAt", duration_ms::float8 AS "durationMs", run, ${later('remaining', '0')} AS remaining
       FROM ${LEDGER_TABLE} WHERE $1::text IS NULL OR version::numeric = $1::numeric ORDER BY version::numeric`,
    [version ?? null],
  );
  return rows.map((row) => ({ ...row, appliedAt: row.appliedAt.toISOString() }));
}

type Row = Omit<LedgerEntry, 'appliedAt'> & { appliedAt: Date };

export async function readEntry(client: PgClient, version: string): Promise<LedgerEntry | undefined> {
  return (await readLedger(client, version))?.[0];
}

/** The ledger belongs to the administrator: neither the services nor the migrations themselves can write it. */
export async function ensureLedger(client: PgClient): Promise<void> {
  const columns = await ledgerColumns(client);
  if (columns.length === 0) {
    const later = Object.entries(LATER_COLUMNS).map(([column, type]) => `${column} ${type}`);
    await client.query(`CREATE TABLE IF NOT EXISTS ${LEDGER_TABLE} (
      version text PRIMARY KEY,
      name text NOT NULL,
      checksum text NOT NULL,
      applied_at timestamptz NOT NULL DEFAULT now(),
      duration_ms bigint NOT NULL,
      run text NOT NULL,
      ${later.join(', ')}
    )`);
    await client.query(`COMMENT ON TABLE ${LEDGER_TABLE} IS ${quoteText(ABOUT)}`);
    return;
  }
  for (const [column, type] of Object.entries(LATER_COLUMNS)) {
    if (!columns.includes(column)) await client.query(`ALTER TABLE ${LEDGER_TABLE} ADD COLUMN ${column} ${type}`);
  }
}

/** Its primary key stops a second writer before it does anything, whatever became of the advisory lock. */
export async function insertEntry(
  client: PgClient,
  { version, name, checksum, run, kind, state, remaining = 0 }: Omit<LedgerEntry, 'appliedAt' | 'durationMs'>,
): Promise<void> {
  await client.query(
    `INSERT INTO ${LEDGER_TABLE} (version, name, checksum, duration_ms, run, kind, state, remaining) VALUES ($1, $2, $3, 0, $4, $5, $6, $7)`,
    [version, name, checksum, run, kind, state, remaining],
  );
}

export async function markEntry(
  client: PgClient,
  version: string,
  { kind, state, run }: Pick<LedgerEntry, 'kind' | 'state' | 'run'>,
): Promise<void> {
  await client.query(
    `UPDATE ${LEDGER_TABLE} SET kind = $2, state = $3, run = $4 WHERE version::numeric = $1::numeric`,
    [version, kind, state, run],
  );
}

export async function finishEntry(client: PgClient, version: string, durationMs: number): Promise<void> {
  await client.query(
    `UPDATE ${LEDGER_TABLE} SET state = 'applied', duration_ms = $2, applied_at = clock_timestamp() WHERE version::numeric = $1::numeric`,
    [version, durationMs],
  );
}

export async function removeEntry(client: PgClient, version: string): Promise<void> {
  await client.query(`DELETE FROM ${LEDGER_TABLE} WHERE version::numeric = $1::numeric`, [version]);
}

/** Names of tables that are neither ours nor an extension's. */
export async function existingTables(client: PgClient): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.oid::regclass::text AS name
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^(pg_|information_schema$)' AND c.relname !~ '^orderplane_'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

async function ledgerColumns(client: PgClient): Promise<string[]> {
  const { rows } = await client.query<{ attname: string }>(
    `SELECT attname FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
    [LEDGER_TABLE],
  );
  return rows.map(({ attname }) => attname);
}
