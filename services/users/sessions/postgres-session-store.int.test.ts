import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { createPool, type Pool } from '@orderplane/shared/postgres.ts';
import { postgresSessionStore } from './postgres-session-store.ts';
import { firstToken, successorOf } from './refresh-token.ts';
import { sessionStoreConformance } from './session-store-conformance.ts';

let server: Awaited<ReturnType<typeof startPostgres>>;
let pool: Pool;

beforeAll(async () => {
  server = await startPostgres();
  pool = createPool({ uri: server.uri, name: 'test', log: createLogger('test', 'silent') });
  await pool.query(await readFile(new URL('../migrations/0001_users.up.sql', import.meta.url), 'utf8'));
}, 600_000);
afterAll(async () => {
  await pool?.end();
  await server?.stop();
});

sessionStoreConformance('Postgres', () => ({ store: postgresSessionStore(pool), server }));

test('what has expired is removed from Postgres, with its used tokens, and nothing else', async () => {
  await pool.query('delete from sessions');
  const store = postgresSessionStore(pool);
  const expiries = [1000, 2000].map((ms) => new Date(Date.now() + ms));
  const tokens = expiries.map(() => firstToken());
  for (const [index, expiresAt] of expiries.entries()) {
    const { sessionId, hash } = tokens[index]!;
    await store.open({ id: sessionId, userId: randomUUID(), passwordVersion: 1, tokenHash: hash, expiresAt });
    const successorHash = successorOf(tokens[index]!, Buffer.alloc(32)).hash;
    await store.exchange({ sessionId, tokenHash: hash, successorHash, expiresAt, at: new Date() });
  }
  expect(await store.sweep(expiries[0]!)).toBe(1);
  const { rows } = await pool.query('select s.id from sessions s join used_tokens u on u.session_id = s.id');
  expect(rows).toEqual([{ id: tokens[1]!.sessionId }]);
});
