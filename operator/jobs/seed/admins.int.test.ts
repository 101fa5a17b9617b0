import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startPostgres, type PostgresServer } from '@orderplane/hack/testing/postgres.ts';
import pg from 'pg';
import { runHere } from '../testing/run-job.ts';
import { runSeed } from './index.ts';

let server: PostgresServer;
let admin: pg.Client;

beforeAll(async () => {
  server = await startPostgres();
  admin = new pg.Client({ connectionString: server.uri });
  await admin.connect();
  const migration = new URL('../../../services/users/migrations/0001_users.up.sql', import.meta.url);
  await admin.query(await readFile(migration, 'utf8'));
});
afterAll(async () => {
  await admin?.end();
  await server?.stop();
});

test("a seed makes an account an admin's by its address, as docs/identity.md says, and changes nothing else of it", async () => {
  const account = async () => (await admin.query('select * from users')).rows as Record<string, unknown>[];
  await admin.query(`insert into users (email, name, password_hash) values ('ann@example.com', 'Ann', 'hash')`);
  const [before] = await account();
  const rows = [{ email: 'ann@example.com', role: 'admin' }];
  const dataset = { name: 'admins', engine: 'postgres', database: 'postgres', table: 'users', key: ['email'], mode: 'Upsert', rows };
  const input = { datasets: [dataset], inputHash: 'hash', run: 'run-1' };
  expect(await runHere(runSeed, input, { POSTGRES_ADMIN_URI: server.uri })).toMatchObject({ datasets: [{ updated: 1, inserted: 0 }] });
  expect(await account()).toEqual([{ ...before, role: 'admin' }]);
}); // prettier-ignore
