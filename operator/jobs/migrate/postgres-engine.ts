import { holdsAdvisoryLock, takeAdvisoryLock } from '../advisory-lock.ts';
import { durationMs } from '../contract.ts';
import { codeOf, JobError, messageOf } from '../failures.ts';
import { DEAD_PEER_SETTINGS, inTransaction, quoteName, withPostgres, type PgClient } from '../postgres.ts';
import { isUnreachable } from '../unreachable.ts';
import type { EngineOptions, LockedTarget, MigrationEngine } from './engine.ts';
import { LEDGER, type LedgerEntry } from './plan.ts';
import type { MigrationFile } from './source.ts';
import { lineAt, splitSql, type SqlStatement } from './sql.ts';

const LEDGER_TABLE = `public.${LEDGER}`;
const LEDGER_COLUMNS = ['version', 'name', 'checksum', 'applied_at', 'duration_ms', 'run'];

export const postgresEngine: MigrationEngine = {
  check: async (migration) => void (await splitSql(migration)),
  withLock: (options, work) =>
    withPostgres(
      {
        uri: options.uri,
        database: options.input.database,
        applicationName: `orderplane-migrate ${options.input.run}`,
        signal: options.signal,
      },
      async (client) => {
        await takeAdvisoryLock(client, 'migrations', options.signal, options.log);
        await ensureLedger(client);
        return work(lockedTarget(client, options));
      },
    ),
};

function lockedTarget(client: PgClient, options: EngineOptions): LockedTarget {
  return {
    readLedger: () => readLedger(client),
    apply: async (migration) => {
      const startedAt = performance.now();
      const statements = await splitSql(migration);
      await freshSession(client, options);
      await inTransaction(client, async () => {
        await claimVersion(client, migration, options.input.run);
        if (options.ownerRole) await client.query(`SET LOCAL ROLE ${quoteName(options.ownerRole)}`);
        for (const statement of statements) await runStatement(client, migration, statement);
        await client.query('SET LOCAL ROLE NONE');
        await client.query(
          `UPDATE ${LEDGER_TABLE} SET duration_ms = $2, applied_at = clock_timestamp() WHERE version = $1`,
          [migration.version, Math.round(performance.now() - startedAt)],
        );
      }).catch((error: unknown) => {
        // Deferred constraints speak up at the commit, which is no statement of the file.
        if (error instanceof JobError || isUnreachable(error)) throw error;
        throw new JobError('StatementFailed', `${migration.file}: ${messageOf(error)}`, { cause: error });
      });
      return { durationMs: Math.round(performance.now() - startedAt) };
    },
  };
}

/** What one file has set in its session must not reach the next: `search_path` in a dump, a role, a timeout. */
async function freshSession(client: PgClient, { input: { policy } }: EngineOptions): Promise<void> {
  await client.query('SET SESSION AUTHORIZATION DEFAULT');
  await client.query('RESET ALL');
  for (const setting of DEAD_PEER_SETTINGS) await client.query(setting).catch(() => {});
  await client.query(`SET lock_timeout = ${durationMs(policy.lockTimeout)}`);
  await client.query(`SET statement_timeout = ${durationMs(policy.statementTimeout)}`);
}

/**
 * The ledger row comes first: its primary key stops a second writer before it does anything, whatever became of the advisory lock.
 * The row is seen by others only together with what the file did.
 */
async function claimVersion(client: PgClient, migration: MigrationFile, run: string): Promise<void> {
  if (!(await holdsAdvisoryLock(client, 'migrations'))) {
    throw new JobError(
      'LockLost',
      'the lock for migrations is not held by this session: a transaction pooler is between this Job and Postgres; give it a direct address',
    );
  }
  await client.query(
    `INSERT INTO ${LEDGER_TABLE} (version, name, checksum, duration_ms, run) VALUES ($1, $2, $3, 0, $4)`,
    [migration.version, migration.name, migration.checksum, run],
  );
}

async function runStatement(client: PgClient, migration: MigrationFile, statement: SqlStatement): Promise<void> {
  try {
    await client.query(statement.text);
  } catch (error) {
    if (isUnreachable(error)) throw error;
    throw statementError(migration, statement, error);
  }
}

function statementError(migration: MigrationFile, statement: SqlStatement, error: unknown): JobError {
  const { position, detail, hint, where } = error as {
    position?: string;
    detail?: string;
    hint?: string;
    where?: string;
  };
  const line = statement.line + (position ? lineAt(statement.text, Number(position) - 1) - 1 : 0);
  const at = `${migration.file}:${line}`;
  const more = [detail, hint, where?.split('\n')[0]].filter(Boolean).map((text) => ` (${text})`);
  const message = `${at}: ${messageOf(error)}${more.join('')}`;
  switch (codeOf(error)) {
    case '25001':
      return new JobError(
        'NotTransactional',
        `${message}: every file runs in one transaction; rewrite the statement without that`,
        { cause: error },
      );
    case '55P03':
      return new JobError(
        'LockTimeout',
        `${message}: another session holds a lock on what the statement needs; it is safe to run again`,
        { cause: error },
      );
    default:
      return new JobError('StatementFailed', message, { cause: error });
  }
}

/** The ledger belongs to the administrator: neither the services nor the migrations themselves can write it. */
async function ensureLedger(client: PgClient): Promise<void> {
  const { rows } = await client.query<{ column_name: string }>(
    `SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1`,
    [LEDGER],
  );
  const columns = rows.map((row) => row.column_name);
  if (columns.length > 0) {
    const missing = LEDGER_COLUMNS.filter((column) => !columns.includes(column));
    if (missing.length === 0) return;
    throw new JobError(
      'ForeignLedger',
      `the table ${LEDGER_TABLE} is not a ledger of ours: it has no column ${missing.join(', ')}`,
    );
  }
  await client.query(`CREATE TABLE IF NOT EXISTS ${LEDGER_TABLE} (
    version text PRIMARY KEY,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    duration_ms bigint NOT NULL,
    run text NOT NULL
  )`);
}

async function readLedger(client: PgClient): Promise<LedgerEntry[]> {
  const { rows } = await client.query<Omit<LedgerEntry, 'appliedAt'> & { appliedAt: Date }>(
    `SELECT version, name, checksum, applied_at AS "appliedAt", duration_ms::float8 AS "durationMs", run
       FROM ${LEDGER_TABLE} ORDER BY version::numeric`,
  );
  return rows.map((row) => ({ ...row, appliedAt: row.appliedAt.toISOString() }));
}
