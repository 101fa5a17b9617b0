import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { createPool, type Pool } from '@orderplane/shared/postgres.ts';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { migrate, SECRET } from '../testing.ts';
import { accessTokens } from './access-token.ts';
import { identitySecret } from './secret.ts';
import { openSigningKeys, type SigningKeys } from './signing-keys.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const ROTATION_MS = 24 * HOUR_MS;
const TTL_MS = 15 * MINUTE_MS;
const START = Date.UTC(2026, 10, 1);

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let pool: Pool;
let clock = START;
const opened: SigningKeys[] = [];
const log = createLogger('test', 'silent');
const now = () => new Date(clock);

beforeAll(async () => {
  postgres = await startPostgres();
  pool = createPool({ uri: postgres.uri, name: 'test', log });
  await migrate(pool);
}, 600_000);
afterAll(async () => {
  await pool?.end();
  await postgres?.stop();
});
beforeEach(async () => {
  clock = START;
  await pool.query('truncate signing_keys');
});
afterEach(() => Promise.all(opened.splice(0).map((keys) => keys.stop())));

function instance(secret = SECRET) {
  const keys = openSigningKeys({ pool, secret: identitySecret(secret), rotationMs: ROTATION_MS, tokenTtlMs: TTL_MS, now, log });
  opened.push(keys);
  return { ...keys, sign: () => accessTokens(keys, TTL_MS, now).sign('u1', { roles: ['customer'], sid: 's1' }) };
} // prettier-ignore

const keyOf = (token: string) => decodeProtectedHeader(token).kid;

describe('the signing keys', () => {
  test('are the same for instances that start at once, and after a restart', async () => {
    const instances = Array.from({ length: 8 }, () => instance());
    const ids = new Set(await Promise.all(instances.map(async ({ sign }) => keyOf(await sign()))));
    ids.add(keyOf(await instance().sign()));
    expect(ids.size).toBe(1);
    expect((await instance().published()).keys.map(({ kid }) => kid)).toHaveLength(2);
  });

  test('rotate: the next one was published before, and the last one is for as long as its tokens are valid', async () => {
    const [one, other] = [instance(), instance()];
    const first = await one.sign();
    const ahead = createLocalJWKSet(await other.published());

    clock = START + ROTATION_MS - 1;
    expect(keyOf(await one.sign())).toBe(keyOf(first));
    const last = await one.sign();
    clock = START + ROTATION_MS;
    const second = await other.sign();
    expect(keyOf(second)).not.toBe(keyOf(first));
    await jwtVerify(second, ahead, { currentDate: now() });

    clock += TTL_MS - 2000;
    await jwtVerify(last, createLocalJWKSet(await other.published()), { currentDate: now() });
    clock += 6 * MINUTE_MS;
    const { keys } = await other.published();
    expect(keys.map(({ kid }) => kid)).not.toContain(keyOf(first));
    expect(keys).toHaveLength(2);
  });

  test('of a secret that was changed are told, and not used; those of the new one are not told by the private part', async () => {
    const before = instance();
    const token = await before.sign();
    const after = instance('another secret of more than 32 characters');
    expect(keyOf(await after.sign())).not.toBe(keyOf(token));
    await jwtVerify(token, createLocalJWKSet(await after.published()), { currentDate: now() });
    // Instances of both run beside each other while the new ones roll out.
    expect(keyOf(await before.sign())).toBe(keyOf(token));
    await jwtVerify(await after.sign(), createLocalJWKSet(await before.published()), { currentDate: now() });
    const { keys } = await after.published();
    expect(keys.filter(({ d }) => d !== undefined)).toEqual([]);
    const { rows } = await pool.query<{ private_key: Buffer }>('select private_key from signing_keys');
    expect(rows.filter(({ private_key }) => private_key.includes('"d"'))).toEqual([]);
  });

  test('that were changed in the database are not signed with', async () => {
    await instance().sign();
    await pool.query('update signing_keys set private_key = (select private_key from signing_keys order by active_from desc limit 1)');
    await expect(instance().sign()).rejects.toThrow(/cannot be opened.*delete its row/);
    await pool.query('truncate signing_keys');
    await instance().sign();
  }); // prettier-ignore

  test('are gone on with while Postgres is away', async () => {
    const keys = instance();
    const token = await keys.sign();
    await postgres.kill();
    expect(keyOf(await keys.sign())).toBe(keyOf(token));
    await jwtVerify(await keys.sign(), createLocalJWKSet(await keys.published()), { currentDate: now() });
    await expect(instance().sign()).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    await postgres.start();
  });
});
