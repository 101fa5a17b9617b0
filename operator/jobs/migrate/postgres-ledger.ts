import { JobError } from '../failures.ts';
import { quoteText, type PgClient } from '../postgres.ts';
import type { LedgerEntry } from './ledger.ts';
import { LEDGER } from './ledger.ts';
import type { MigrationFile } from './source.ts';

export const LEDGER_TABLE = `public.${LEDGER}`;

/** Without these a table of this name is not ours. The others came later, and are added. */
const FIRST_COLUMNS = ['version', 'name', 'checksum', 'applied_at', 'duration_ms', 'run'];
const LATER_COLUMNS = {
  kind: `text NOT NULL DEFAULT 'up' CHECK (kind IN ('up', 'down', 'baseline'))`,
  state: `text NOT NULL DEFAULT 'applied' CHECK (state IN ('applied', 'dirty'))`,
  applied_by: 'text NOT NULL DEFAULT session_user',
};
const ABOUT = `Orderplane: the migrations that this database has. kind baseline stands for everything up to its version;
state dirty is of a statement outside a transaction that was begun and not seen to end; duration_ms is of the whole file; run is the Job.`;

/** `undefined` where there is none. Takes a ledger of any release, and writes nothing. */
export async function readLedger(client: PgClient): Promise<LedgerEntry[] | undefined> {
  const columns = await ledgerColumns(client);
  if (columns.length === 0) return undefined;
  const missing = FIRST_COLUMNS.filter((column) => !columns.includes(column));
  if (missing.length > 0) {
    throw new JobError(
      'ForeignLedger',
      `the table ${LEDGER_TABLE} is not a ledger of ours: it has no column ${missing.join(', ')}`,
    );
  }
  const later = (column: string, otherwise: string) => (columns.includes(column) ? column : `'${otherwise}'`);
  const { rows } = await client.query<Omit<LedgerEntry, 'appliedAt'> & { appliedAt: Date }>(
    `SELECT version, name, ${later('kind', 'up')} AS kind, ${later('state', 'applied')} AS state, checksum,
            applied_at AS "appliedAt", duration_ms::float8 AS "durationMs", run
       FROM ${LEDGER_TABLE} ORDER BY version::numeric`,
  );
  return rows.map((row) => ({ ...row, appliedAt: row.appliedAt.toISOString() }));
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
  { version, name, checksum }: Pick<MigrationFile, 'version' | 'name' | 'checksum'>,
  entry: Pick<LedgerEntry, 'kind' | 'state' | 'run'>,
): Promise<void> {
  await client.query(
    `INSERT INTO ${LEDGER_TABLE} (version, name, checksum, duration_ms, run, kind, state) VALUES ($1, $2, $3, 0, $4, $5, $6)`,
    [version, name, checksum, entry.run, entry.kind, entry.state],
  );
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
