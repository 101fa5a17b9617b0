/** Connections of the Jobs to Postgres: an administrator's, to a named database, with limits and a holder that can be told. */
import type { Client, ClientConfig } from 'pg';
import { codeOf, JobError, messageOf } from './failures.ts';

export type PgClient = Client;

export interface PostgresOptions {
  uri: string;
  database?: string;
  applicationName: string;
  signal: AbortSignal;
}

/** `uri` with another database. */
export function withDatabase(uri: string, database: string): string {
  const url = new URL(uri);
  url.pathname = `/${encodeURIComponent(database)}`;
  return url.href;
}

/**
 * Runs `use` on one connection and closes it. When `signal` aborts, the connection is cut: the server rolls back and lets its
 * locks go within a second.
 */
export async function withPostgres<T>(options: PostgresOptions, use: (client: PgClient) => Promise<T>): Promise<T> {
  const { Client: PostgresClient } = (await import('pg')).default;
  const config: ClientConfig = {
    connectionString: options.database ? withDatabase(options.uri, options.database) : options.uri,
    application_name: options.applicationName.slice(0, 63),
    connectionTimeoutMillis: 10_000,
    // What this end asks of TCP, beside DEAD_PEER_SETTINGS of the other: ten probes, a second apart.
    keepAlive: true,
    keepAliveInitialDelayMillis: 5_000,
  };
  const client = new PostgresClient(config);
  // Without a listener a connection lost between two queries would end the process; the next query reports it.
  client.on('error', () => {});
  const cut = (): void =>
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  try {
    options.signal.throwIfAborted();
    await client.connect().catch((error: unknown) => {
      throw connectError(error, options);
    });
    options.signal.addEventListener('abort', cut, { once: true });
    await endWithItsHolder(client);
    return await use(client);
  } finally {
    options.signal.removeEventListener('abort', cut);
    await client.end().catch(() => {});
  }
}

/**
 * Session settings by which the server notices within seconds that the process at this end, or the way to it, is gone. Probes are only
 * sent while nothing else is under way: an answer that nobody takes has the user timeout, from when it was sent. Together at most 13 s.
 */
export const DEAD_PEER_SETTINGS = [
  `SET client_connection_check_interval = '1s'`,
  `SET tcp_keepalives_idle = 3`,
  `SET tcp_keepalives_interval = 1`,
  `SET tcp_keepalives_count = 3`,
  `SET tcp_user_timeout = '6s'`,
] as const;

async function endWithItsHolder(client: PgClient): Promise<void> {
  for (const setting of DEAD_PEER_SETTINGS) {
    // A server on another operating system refuses some of them: locks then live until TCP gives up.
    await client.query(setting).catch((error: unknown) => {
      if (codeOf(error) !== '22023' && codeOf(error) !== '42704') throw error;
    });
  }
}

/** Runs `work` in a transaction; a throw rolls back. */
export async function inTransaction<T>(client: PgClient, work: () => Promise<T>): Promise<T> {
  await client.query('BEGIN');
  try {
    const result = await work();
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** `"name"`, quoted as an identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** `'text'`, quoted as a literal: for statements that take no parameters. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

function connectError(error: unknown, options: PostgresOptions): unknown {
  const at = `Postgres${options.database ? `, database "${options.database}"` : ''}`;
  switch (codeOf(error)) {
    case '28P01':
    case '28000':
      return new JobError(
        'AuthenticationFailed',
        `${at} refuses the administrator's credentials: ${messageOf(error)}`,
        { cause: error },
      );
    case '3D000':
      return new JobError('Unreachable', `${at} does not exist yet`, { cause: error });
    default:
      return error;
  }
}
