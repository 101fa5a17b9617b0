import pg from 'pg';
import { CodedError } from './errors.ts';
import type { Logger } from './log.ts';
import { inSpan, type SpanOptions } from './telemetry/span.ts';

export type Pool = pg.Pool;
/** What runs statements: a pool, or a connection within a transaction. */
export type Queryable = Pick<pg.Pool, 'query'>;

/** TCP keep-alives, so that a connection whose other end vanished without a word is noticed. */
export const CONNECTION = {
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
  connectionTimeoutMillis: 2000,
} as const;

/**
 * A pool that outlives its server: broken connections are dropped, new ones are made on demand. Statements, and
 * transactions that nobody goes on with, are ended by the server, so that no lock outlives its use.
 */
export function createPool(options: { uri: string; name: string; max?: number; log: Logger }): Pool {
  const pool = new pg.Pool({
    ...CONNECTION,
    connectionString: options.uri,
    application_name: options.name,
    max: options.max ?? 10,
    statement_timeout: 3000,
    idle_in_transaction_session_timeout: 5000,
    query_timeout: 4000,
  });
  pool.on('error', (error) => options.log.debug({ err: error }, 'postgres ended an idle connection'));
  // A connection has no listener of the pool's own from the moment it is given to somebody, and an error that comes before his first
  // statement, or between two, would end the process. The next statement reports it.
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/** Runs the work in one transaction, committed when it resolves and rolled back when it rejects. */
export function inTransaction<T>(pool: Pool, work: (transaction: Queryable) => Promise<T>): Promise<T> {
  return inSpan(postgresSpan('transaction'), () => transact(pool, work));
}

async function transact<T>(pool: Pool, work: (transaction: Queryable) => Promise<T>): Promise<T> {
  const client = await pool.connect().catch(unavailable);
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => (broken = failure));
    return unavailable(error);
  } finally {
    client.release(broken);
  }
}

/**
 * A statement that each connection parses once, and Postgres plans once: for what is asked all the time, and finds its rows by an index
 * even while a table is empty, because that plan may stay until the table is analyzed. Nothing in a session survives a pooler
 * of transactions.
 */
export interface Prepared {
  /** At most 63 characters; of this text alone. */
  readonly name: string;
  readonly text: string;
}

/** One statement outside of any transaction, with the pool's troubles told apart from the statement's. */
export async function query<Row extends pg.QueryResultRow>(
  pool: Queryable,
  statement: string | Prepared,
  values: unknown[] = [],
): Promise<Row[]> {
  const config = typeof statement === 'string' ? { text: statement } : statement;
  const operation = /\w+/.exec(config.text)?.[0].toLowerCase() ?? 'query';
  const { rows } = await inSpan(postgresSpan(operation), () =>
    pool.query<Row>({ ...config, values }).catch(unavailable),
  );
  return rows;
}

function postgresSpan(operation: string): SpanOptions {
  const attributes = { 'db.system.name': 'postgresql', 'db.operation.name': operation };
  return { name: `postgres ${operation}`, kind: 'client', attributes };
}

/** Rethrows: as SERVICE_UNAVAILABLE where it is the database that is away, as bad input where it is that, or else as it is. */
function unavailable(error: unknown): never {
  if (isConnectionTrouble(error)) throw new CodedError('SERVICE_UNAVAILABLE', { cause: error });
  if (error instanceof pg.DatabaseError && error.code === NOT_TEXT) {
    throw new CodedError('BAD_USER_INPUT', {
      message: 'The input has characters that text cannot have.',
      cause: error,
    });
  }
  throw error;
}

// Classes: 08 connection, 53 out of resources, 57 operator intervention (shutdown, start-up, timeouts), 28 refused login
// (a password that is just being rotated).
const SQLSTATE = /^(?:08|53|57|28)/;
/** U+0000, in practice: a character of Unicode that Postgres does not store. */
const NOT_TEXT = '22021';
const SOCKET = /^E(?:CONN|PIPE|TIMEDOUT|HOST|NET|AI_AGAIN|NOTFOUND)/;

function isConnectionTrouble(error: unknown): boolean {
  if (!Error.isError(error)) return false;
  if ('errors' in error && Array.isArray(error.errors)) return error.errors.every(isConnectionTrouble);
  if (error instanceof pg.DatabaseError) return SQLSTATE.test(error.code ?? '');
  if ('code' in error && typeof error.code === 'string') return SOCKET.test(error.code);
  return /connection|timeout|not queryable/i.test(error.message);
}
