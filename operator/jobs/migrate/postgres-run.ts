import { holdsAdvisoryLock } from '../advisory-lock.ts';
import { durationMs } from '../contract.ts';
import { codeOf, JobError, messageOf } from '../failures.ts';
import { DEAD_PEER_SETTINGS, inTransaction, quoteName, type PgClient } from '../postgres.ts';
import { isUnreachable } from '../unreachable.ts';
import type { EngineOptions } from './engine.ts';
import type { SourceText } from './source.ts';
import { lineAt, type SqlStatement } from './sql/parse.ts';

/** A file to be run, and what to run it with. */
export interface FileRun {
  client: PgClient;
  file: SourceText;
  statements: readonly SqlStatement[];
  options: EngineOptions;
}

/** Runs a file and what `record` does around it in one transaction: others see both, or neither. */
export async function runInTransaction(
  { client, file, statements, options }: FileRun,
  record: (runFile: () => Promise<number>) => Promise<void>,
): Promise<{ durationMs: number }> {
  const startedAt = performance.now();
  const elapsedMs = (): number => Math.round(performance.now() - startedAt);
  await freshSession(client, options);
  await inTransaction(client, async () => {
    await requireLock(client);
    await record(async () => {
      if (options.ownerRole) await client.query(`SET LOCAL ROLE ${quoteName(options.ownerRole)}`);
      for (const statement of statements) await runStatement(client, file, statement);
      await client.query('SET LOCAL ROLE NONE');
      return elapsedMs();
    });
  }).catch((error: unknown) => {
    // Deferred constraints speak up at the commit, which is no statement of the file.
    if (error instanceof JobError || isUnreachable(error)) throw error;
    throw new JobError('StatementFailed', `${file.file}: ${messageOf(error)}`, { cause: error });
  });
  return { durationMs: elapsedMs() };
}

/** What one file has set in its session must not reach the next: `search_path` in a dump, a role, a timeout. */
export async function freshSession(client: PgClient, { input: { policy } }: EngineOptions): Promise<void> {
  await client.query('SET SESSION AUTHORIZATION DEFAULT');
  await client.query('RESET ALL');
  await client.query('DEALLOCATE ALL');
  for (const setting of DEAD_PEER_SETTINGS) await client.query(setting).catch(() => {});
  await client.query(`SET lock_timeout = ${durationMs(policy.lockTimeout)}`);
  await client.query(`SET statement_timeout = ${durationMs(policy.statementTimeout)}`);
}

/** A lock that this very session does not have is no lock. */
export async function requireLock(client: PgClient): Promise<void> {
  if (await holdsAdvisoryLock(client, 'migrations')) return;
  throw new JobError(
    'LockLost',
    'the lock for migrations is not held by this session: a transaction pooler is between this Job and Postgres; give it a direct address',
  );
}

export async function runStatement(client: PgClient, file: SourceText, statement: SqlStatement): Promise<void> {
  try {
    await client.query(statement.text);
  } catch (error) {
    if (isUnreachable(error)) throw error;
    throw statementError(file, statement, error);
  }
}

function statementError(file: SourceText, statement: SqlStatement, error: unknown): JobError {
  const { position, detail, hint, where } = error as {
    position?: string;
    detail?: string;
    hint?: string;
    where?: string;
  };
  const line = statement.line + (position ? lineAt(statement.text, Number(position) - 1) - 1 : 0);
  const at = `${file.file}:${line}`;
  const more = [detail, hint, where?.split('\n')[0]].filter(Boolean).map((text) => ` (${text})`);
  const message = `${at}: ${messageOf(error)}${more.join('')}`;
  switch (codeOf(error)) {
    case '25001':
      return new JobError(
        'NotTransactional',
        `${message}: every file runs in one transaction; rewrite the statement without that`,
        { cause: error },
      );
    case '55P04':
      return new JobError(
        'NotTransactional',
        `${message}: put ALTER TYPE … ADD VALUE into a file of its own, before this one`,
        {
          cause: error,
        },
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
