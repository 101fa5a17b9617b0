import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { root } from '../root.ts';
import type { PostgresServer } from './postgres.ts';

/** Makes the database of a service, named like it, with all of the release's migrations; its URI. */
export async function serviceDatabase({ uri }: Pick<PostgresServer, 'uri'>, service: string): Promise<string> {
  await run(uri, [`create database "${service}"`]);
  const own = Object.assign(new URL(uri), { pathname: `/${service}` }).href;
  const folder = join(root, 'services', service, 'migrations');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.up.sql')).toSorted();
  await run(own, await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8'))));
  return own;
}

async function run(uri: string, statements: readonly string[]): Promise<void> {
  const client = new pg.Client(uri);
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
