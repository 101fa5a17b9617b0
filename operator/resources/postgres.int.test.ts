import { expect, test } from '@jest/globals';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import pg from 'pg';
import { SET_PASSWORD } from './postgres.ts';

test('the password of the Secret is set before the server starts, once, also after a crash', async () => {
  const server = await startPostgres();
  const passwordFile = join(server.socketDir, 'secret');
  const env = { PGDATA: server.dataDir, POSTGRES_PASSWORD_FILE: passwordFile };
  const setPassword = async (password: string) => {
    await writeFile(passwordFile, password, { mode: 0o644 });
    return server.run(['sh', '-c', SET_PASSWORD], env);
  };
  const logIn = async (password: string) => {
    const client = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'postgres', password });
    await client.connect();
    const { rows } = await client.query('SELECT count(*)::int AS kept FROM pg_class WHERE relname = $1', ['kept']);
    await client.end();
    return rows[0];
  };
  try {
    const before = new pg.Client({ connectionString: server.uri });
    before.on('error', () => {});
    await before.connect();
    await before.query('CREATE TABLE kept ()');
    await server.kill();
    expect(await setPassword(`it's-\\new`)).toContain('is that of its Secret now');
    expect(await setPassword(`it's-\\new`)).toBe('');
    await server.start();
    expect(await logIn(`it's-\\new`)).toEqual({ kept: 1 });
    await expect(logIn(new URL(server.uri).password)).rejects.toMatchObject({ code: '28P01' });
  } finally {
    await server.stop();
  }
}, 60_000);
