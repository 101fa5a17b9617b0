import { JobError } from '../failures.ts';
import { quoteName, type PgClient } from '../postgres.ts';
import { isUnreachable } from '../unreachable.ts';
import { freshSession, requireLock, runStatement, type FileRun } from './postgres-run.ts';
import type { AnyNode, RangeVar } from './sql/nodes.ts';
import type { SqlStatement } from './sql/parse.ts';

/** How the ledger tells of a statement that no transaction can hold. */
export interface StandaloneRecord {
  /** Whether a run before this one began it, and was not seen to end it. */
  wasBegun: boolean;
  /** Marks it dirty. */
  begin(): Promise<void>;
  /** Undoes the mark: nothing of the statement is left. */
  takeBack(): Promise<void>;
  finish(durationMs: number): Promise<void>;
}

/**
 * Runs a file that is one statement outside a transaction. Killed anywhere and run again, it ends as if it had run once: what a dead run
 * has left is removed first, and what it had finished is taken as done.
 */
export async function runStandalone(
  { client, file, statements, options }: FileRun,
  record: StandaloneRecord,
): Promise<{ durationMs: number }> {
  const [statement] = statements;
  if (!statement) throw new TypeError(`${file.file} has no statement`);
  const startedAt = performance.now();
  const elapsedMs = (): number => Math.round(performance.now() - startedAt);
  await freshSession(client, options);
  await requireLock(client);
  if (!record.wasBegun) await refuseTaken(client, file.file, statement);
  await record.begin();
  const asOwner = options.ownerRole ? `SET ROLE ${quoteName(options.ownerRole)}` : 'RESET ROLE';
  try {
    await client.query(asOwner);
    if (record.wasBegun) await removeLeftovers(client, statement.node);
    if (!record.wasBegun || !(await isDone(client, statement.node))) await runStatement(client, file, statement);
    await client.query('RESET ROLE');
  } catch (error) {
    // Whoever cannot reach the server cannot clean up either: the row stays dirty, and the next run does it.
    if (isUnreachable(error) || options.signal.aborted) throw error;
    await removeLeftovers(client, statement.node);
    await client.query('RESET ROLE');
    await record.takeBack();
    throw error;
  }
  await record.finish(elapsedMs());
  return { durationMs: elapsedMs() };
}

/** Before the row is dirty, an index of this name is somebody else's: it must not be taken for a leftover. */
async function refuseTaken(client: PgClient, file: string, { node, line }: SqlStatement): Promise<void> {
  const { IndexStmt: index } = node;
  const state = index && (await indexState(client, index.relation, index.idxname ?? ''));
  if (!state || (state === 'valid' && index.if_not_exists)) return;
  const advice = state === 'invalid' ? ', half built: drop it, if nobody is building it' : '';
  throw new JobError('StatementFailed', `${file}:${line}: an index "${index.idxname}" is there already${advice}`);
}

/** Whether a statement that was begun before has come to its end unseen. Of those that are not told, a repetition does no harm. */
async function isDone(client: PgClient, { IndexStmt: index, DropStmt: drop }: AnyNode): Promise<boolean> {
  if (index) return (await indexState(client, index.relation, index.idxname ?? '')) === 'valid';
  if (!drop) return false;
  const name = (drop.objects?.[0]?.List?.items ?? []).map((part) => quoteName(part.String?.sval ?? '')).join('.');
  const { rows } = await client.query<{ isGone: boolean }>(`SELECT to_regclass($1) IS NULL AS "isGone"`, [name]);
  return rows[0]?.isGone === true;
}

/** Removes what a concurrent build leaves when it does not come to its end: indexes that are written, and never read. */
async function removeLeftovers(client: PgClient, { IndexStmt: index, ReindexStmt: reindex }: AnyNode): Promise<void> {
  if (index && (await indexState(client, index.relation, index.idxname ?? '')) === 'invalid') {
    const schema = await schemaOf(client, index.relation);
    await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${quoteName(schema)}.${quoteName(index.idxname ?? '')}`);
  }
  if (!reindex) return;
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name
       FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'
        AND ($1::text IS NULL OR i.indrelid = to_regclass($1)
             OR i.indrelid = (SELECT indrelid FROM pg_index WHERE indexrelid = to_regclass($1)))`,
    [reindex.relation ? quoteRange(reindex.relation) : null],
  );
  for (const { name } of rows) await client.query(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`);
}

/** An index is in the schema of its table. */
async function indexState(client: PgClient, table: RangeVar, name: string): Promise<'valid' | 'invalid' | undefined> {
  const { rows } = await client.query<{ isValid: boolean }>(
    `SELECT i.indisvalid AS "isValid"
       FROM pg_class t JOIN pg_class c ON c.relnamespace = t.relnamespace JOIN pg_index i ON i.indexrelid = c.oid
      WHERE t.oid = to_regclass($1) AND c.relname = $2`,
    [quoteRange(table), name],
  );
  if (!rows[0]) return undefined;
  return rows[0].isValid ? 'valid' : 'invalid';
}

async function schemaOf(client: PgClient, table: RangeVar): Promise<string> {
  const { rows } = await client.query<{ schema: string }>(
    'SELECT relnamespace::regnamespace::text AS schema FROM pg_class WHERE oid = to_regclass($1)',
    [quoteRange(table)],
  );
  return rows[0]?.schema ?? 'public';
}

function quoteRange({ schemaname, relname }: RangeVar): string {
  return `${schemaname === undefined ? '' : `${quoteName(schemaname)}.`}${quoteName(relname)}`;
}
