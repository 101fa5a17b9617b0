import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startPostgres, type PostgresServer } from '@orderplane/hack/testing/postgres.ts';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { postgresTarget } from '../testing/postgres-target.ts';

const SERVICES = fileURLToPath(new URL('../../../services', import.meta.url));
const folders = readdirSync(SERVICES)
  .map((service) => [service, join(SERVICES, service, 'migrations')] as const)
  .filter(([, dir]) => existsSync(dir) && readdirSync(dir).some((file) => file.endsWith('.sql')));

let server: PostgresServer;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server?.stop());

test.each(folders)('the migrations of %s need nobody to approve them, and can be undone', async (_, dir) => {
  const files = Object.fromEntries(readdirSync(dir).map((file) => [file, readFileSync(join(dir, file), 'utf8')]));
  const db = await postgresTarget(server.uri, files);
  expect(await db.migrate()).toMatchObject({ ok: true, pending: [], plan: { findings: [] } });
  const down = { toVersion: '0', policy: { down: 'Allow', destructive: 'Allow' } } as const;
  expect(await db.migrate(undefined, down)).toMatchObject({ ok: true, currentVersion: '' });
  const { rows } = await db.client.query(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`);
  expect(rows).toEqual([{ tablename: 'orderplane_migrations' }]);
  await db.end();
});
