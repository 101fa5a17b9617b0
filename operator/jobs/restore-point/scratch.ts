import { createHash } from 'node:crypto';
import { quoteName, quoteText, withPostgres, type PgClient } from '../postgres.ts';

/** One a database: whoever holds the lock for its migrations finds what a killed run left. */
export function scratchName(database: string): string {
  return `orderplane_verify_${createHash('sha256').update(database).digest('hex').slice(0, 12)}`;
}

/** Whether the login may create databases, and what it is called. */
export async function mayCreateDatabases(client: PgClient): Promise<{ may: boolean; login: string }> {
  const sql =
    'SELECT rolsuper OR rolcreatedb AS may, rolname AS login FROM pg_catalog.pg_roles WHERE rolname = current_user';
  return (await client.query<{ may: boolean; login: string }>(sql)).rows[0] ?? { may: false, login: '' };
}

/** Calls `use` while there is an empty database like the client's own, on the same server, and drops it whatever happens. */
export async function withScratchDatabase<T>(
  client: PgClient,
  { uri, database }: { uri: string; database: string },
  use: (name: string) => Promise<T>,
): Promise<T> {
  const name = scratchName(database);
  await client.query(dropStatement(name));
  await client.query(`CREATE DATABASE ${quoteName(name)} ${await sameLocale(client)}`);
  try {
    return await use(name);
  } finally {
    await drop(client, uri, name);
  }
}

/** The connection may have been cut meanwhile, by the signal that ends this Job. */
async function drop(client: PgClient, uri: string, name: string): Promise<void> {
  try {
    await client.query(dropStatement(name));
  } catch {
    const options = { uri, applicationName: 'orderplane-restore-point', signal: AbortSignal.timeout(5_000) };
    // What cannot be dropped now is dropped by the next run.
    await withPostgres(options, (other) => other.query(dropStatement(name))).catch(() => {});
  }
}

const dropStatement = (name: string): string => `DROP DATABASE IF EXISTS ${quoteName(name)} WITH (FORCE)`;

/** Options of CREATE DATABASE: text sorts, and is found unique, as in the original. */
async function sameLocale(client: PgClient): Promise<string> {
  const sql = `SELECT pg_encoding_to_char(encoding) AS encoding, to_jsonb(d) AS database FROM pg_catalog.pg_database AS d WHERE datname = current_database()`;
  const [row] = (await client.query<{ encoding: string; database: Record<string, string | null> }>(sql)).rows;
  const { datcollate, datctype, datlocprovider, datlocale, daticulocale } = row?.database ?? {};
  const locale = datlocale ?? daticulocale;
  const provider = { i: 'icu', b: 'builtin' }[datlocprovider ?? ''];
  return [
    'TEMPLATE template0',
    `ENCODING ${quoteText(row?.encoding ?? 'UTF8')}`,
    `LC_COLLATE ${quoteText(datcollate ?? 'C')} LC_CTYPE ${quoteText(datctype ?? 'C')}`,
    ...(provider && locale
      ? [`LOCALE_PROVIDER ${provider} ${provider === 'icu' ? 'ICU_LOCALE' : 'BUILTIN_LOCALE'} ${quoteText(locale)}`]
      : []),
  ].join(' ');
}
