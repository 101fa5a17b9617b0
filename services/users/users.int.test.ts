import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ACCESS_TOKEN } from '@orderplane/contracts/access-token.ts';
import type { Tokens } from '@orderplane/contracts/gen/orderplane/users/v1/users_pb.js';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { startRedis } from '@orderplane/hack/testing/redis.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { createPool, type Pool } from '@orderplane/shared/postgres.ts';
import { createLocalJWKSet, decodeJwt, type JSONWebKeySet, jwtVerify } from 'jose';
import { hashPassword } from './passwords/argon2id.ts';
import { migrate, startUsers } from './testing.ts';

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let redis: Awaited<ReturnType<typeof startRedis>>;
let pool: Pool;

beforeAll(async () => {
  [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  pool = createPool({ uri: postgres.uri, name: 'test', log: createLogger('test', 'silent') });
  await migrate(pool);
}, 600_000);
afterAll(async () => {
  await pool?.end();
  await Promise.all([postgres?.stop(), redis?.stop()]);
});

const password = 'correct horse';
const newEmail = () => `${randomUUID()}@example.com`;

describe.each(['Postgres', 'Redis'])('users, with logins in %s', (place) => {
  let users: Awaited<ReturnType<typeof startUsers>>;
  let other: typeof users;
  beforeAll(async () => {
    const env = { POSTGRES_URI: postgres.uri, ...(place === 'Redis' && { REDIS_URI: redis.uri }) };
    [users, other] = await Promise.all([startUsers(env), startUsers(env)]);
  });
  afterAll(() => Promise.all([users?.stop(), other?.stop()]));

  async function registered() {
    const email = newEmail();
    const { user, tokens } = await users.client.register({ email, password, name: 'Ann' });
    return { email, userId: user!.id, user: user!, tokens: tokens! };
  }
  const login = async (email: string, given = password) =>
    (await users.client.login({ email, password: given })).tokens!;
  const refreshed = async ({ refreshToken }: Tokens, at = users) => (await at.client.refresh({ refreshToken })).tokens!;
  const sid = ({ accessToken }: Tokens) => decodeJwt<{ sid: string }>(accessToken).sid;
  const count = async (name: string) => {
    const metrics = await (await fetch(`http://127.0.0.1:${users.managementPort}/metrics`)).text();
    return Number(metrics.match(new RegExp(`^${RegExp.escape(name)}[^ ]* (\\d+)`, 'm'))?.[1]);
  };

  test('registers who then has a profile, and an access token that any instance vouches for', async () => {
    const { email, user, tokens } = await registered();
    expect(user).toMatchObject({ email, name: 'Ann', roles: ['customer'] });
    expect(await users.client.getProfile({ userId: user.id })).toMatchObject({ user });
    expect(tokens).toMatchObject({ accessTokenExpiresIn: 900, refreshTokenExpiresIn: 604_800 });
    const { jwks } = await other.client.getSigningKeys({});
    const { payload, protectedHeader } = await jwtVerify(
      tokens.accessToken,
      createLocalJWKSet(JSON.parse(jwks) as JSONWebKeySet),
      { issuer: ACCESS_TOKEN.issuer, audience: ACCESS_TOKEN.audience, algorithms: [ACCESS_TOKEN.algorithm] },
    );
    expect(payload).toMatchObject({
      sub: user.id,
      roles: ['customer'],
      jti: expect.any(String),
      sid: expect.any(String),
    });
    expect(payload.exp! - payload.iat!).toBe(900);
    expect(protectedHeader.alg).toBe('ES256');
    expect(jwks).not.toContain('"d"');
  });

  test('registers an address once, whatever the case of its letters, however many try at once', async () => {
    const email = newEmail();
    const attempts = Array.from({ length: 6 }, (_, index) =>
      users.client.register({ email: index % 2 ? email : ` ${email.toUpperCase()}`, password, name: 'Ann' }),
    );
    const results = await Promise.allSettled(attempts);
    const refusals = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
    expect(refusals).toHaveLength(5);
    for (const refusal of refusals) expect(refusal).toMatchObject({ code: 'EMAIL_TAKEN', field: 'email' });
    expect(await login(email.toUpperCase())).toMatchObject({ accessTokenExpiresIn: 900 });
  });

  test.each([
    ['an address that is none', 'email', { email: 'ann' }],
    ['an address with a NUL', 'email', { email: 'an\0n@example.com' }],
    ['a short password', 'password', { password: 'short' }],
    ['a huge password', 'password', { password: 'a'.repeat(100_000) }],
    ['no name', 'name', { name: '' }],
    ['a name with a NUL', 'name', { name: 'a\0b' }],
  ])('refuses to register with %s, and names the field', async (_sentence, field, wrong) => {
    const attempt = users.client.register({ email: newEmail(), password, name: 'Ann', ...wrong });
    await expect(attempt).rejects.toMatchObject({ code: 'BAD_USER_INPUT', field });
  });

  test.each<[string, (email: string) => { email: string; password: string }]>([
    ['a wrong password', (email) => ({ email, password: 'wrong horse' })],
    ['an address without an account', () => ({ email: newEmail(), password })],
    ['an address that cannot be one', () => ({ email: '\0', password })],
    ['a password that cannot be one', (email) => ({ email, password: 'a'.repeat(100_000) })],
    ['nothing', () => ({ email: '', password: '' })],
  ])('answers %s as any other, after hashing as much', async (_sentence, credentials) => {
    const { email } = await registered();
    const [hashed, refused] = [await count('password_hash_duration_seconds_count'), await count('logins_total{outcome="invalid_credentials"')];
    const attempt = users.client.login(credentials(email));
    await expect(attempt).rejects.toMatchObject({
      code: 'INVALID_CREDENTIALS',
      message: 'The address or the password is wrong.',
    });
    expect(await count('password_hash_duration_seconds_count')).toBe(hashed + 1);
    expect(await count('logins_total{outcome="invalid_credentials"')).toBe((refused || 0) + 1);
  }); // prettier-ignore

  test('hashes a password anew that was hashed at another cost, at its next login', async () => {
    const { email, userId } = await registered();
    const cheap = await hashPassword(password, { memory: 8, passes: 1, parallelism: 1 });
    await pool.query('update users set password_hash = $2 where id = $1', [userId, cheap]);
    const kept = await login(email);
    const { rows } = await pool.query('select password_hash, password_version from users where id = $1', [userId]);
    expect(rows).toEqual([{ password_hash: expect.stringContaining('m=19456,t=2,p=1'), password_version: 1 }]);
    await login(email);
    await refreshed(kept);
  });

  test('gives fifty who use a refresh token at once, at any instance, the same one; used later, the old one ends the login', async () => {
    const { tokens, user } = await registered();
    const pairs = await Promise.all(Array.from({ length: 50 }, (_, index) => refreshed(tokens, index % 2 ? users : other)));
    expect(new Set(pairs.map(({ refreshToken }) => refreshToken)).size).toBe(1);
    expect(pairs[0]!.refreshToken).not.toBe(tokens.refreshToken);
    expect(new Set(pairs.map(({ accessToken }) => decodeJwt(accessToken).jti)).size).toBe(50);
    const next = await refreshed(pairs[0]!);
    expect(decodeJwt(next.accessToken).sub).toBe(user.id);

    await expect(refreshed(tokens)).rejects.toMatchObject({ code: 'TOKEN_REUSED' });
    await expect(refreshed(next)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  }); // prettier-ignore

  test('ends one login at logout, and says nothing of tokens that it does not know', async () => {
    const { email, tokens } = await registered();
    const elsewhere = await login(email);
    await users.client.logout({ refreshToken: tokens.refreshToken });
    await expect(refreshed(tokens)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await refreshed(elsewhere);
    for (const refreshToken of [tokens.refreshToken, '', 'a'.repeat(64)]) await users.client.logout({ refreshToken });
  });

  test('changes name and address, and logs in by the new one', async () => {
    const { email, userId } = await registered();
    const address = newEmail();
    const changed = await users.client.updateProfile({ userId, name: ' Bob ', email: address.toUpperCase() });
    expect(changed.user).toMatchObject({ id: userId, name: 'Bob', email: address });
    expect(await users.client.updateProfile({ userId })).toEqual(changed);
    await login(address);
    await expect(login(email)).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' });
  });

  test.each([
    ['another’s address', 'EMAIL_TAKEN', 'email', async () => ({ email: (await registered()).email })],
    ['an illegal address', 'BAD_USER_INPUT', 'email', async () => ({ email: 'ann' })],
    ['an empty name', 'BAD_USER_INPUT', 'name', async () => ({ name: '' })],
    ['a new password without the current one', 'BAD_USER_INPUT', 'currentPassword', async () => ({ newPassword: 'new horse' })],
    ['a wrong current password', 'BAD_USER_INPUT', 'currentPassword', async () => ({ currentPassword: 'x', newPassword: 'new horse' })],
    ['a short new password', 'BAD_USER_INPUT', 'newPassword', async () => ({ currentPassword: password, newPassword: 'short' })],
  ])('changes nothing for %s', async (_sentence, code, field, change) => {
    const { email, user, userId, tokens } = await registered();
    const attempt = users.client.updateProfile({ userId, name: 'Bob', ...(await change()) });
    await expect(attempt).rejects.toMatchObject({ code, field });
    expect((await users.client.getProfile({ userId })).user).toEqual(user);
    await login(email);
    await refreshed(tokens);
  }); // prettier-ignore

  test('knows no profile of somebody who is not there', async () => {
    for (const userId of [randomUUID(), '', "' or true --"]) {
      await expect(users.client.getProfile({ userId })).rejects.toMatchObject({ code: 'USER_NOT_FOUND' });
      await expect(users.client.updateProfile({ userId })).rejects.toMatchObject({ code: 'USER_NOT_FOUND' });
    }
  });

  test('ends every other login when the password changes, also those that are just being made', async () => {
    const { email, userId, tokens } = await registered();
    const before = await login(email);
    const racing = Array.from({ length: 4 }, () => login(email));
    const newPassword = 'new horse';
    const change = { userId, currentPassword: password, newPassword, sessionId: sid(tokens) };
    await users.client.updateProfile(change);
    const late = await Promise.allSettled(racing);

    const kept = await refreshed(tokens);
    await expect(refreshed(before)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    for (const login of late) {
      if (login.status === 'rejected') expect(login.reason).toMatchObject({ code: 'INVALID_CREDENTIALS' });
      else await expect(refreshed(login.value)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    }
    await expect(login(email)).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' });
    await refreshed(await login(email, newPassword));
    await refreshed(kept);
  });

  test('keeps no login over a new password for who names that of somebody else', async () => {
    const [ann, bob] = [await registered(), await registered()];
    const change = { currentPassword: password, newPassword: 'new horse' };
    await users.client.updateProfile({ userId: ann.userId, ...change, sessionId: sid(bob.tokens) });
    await expect(refreshed(ann.tokens)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
    await refreshed(bob.tokens);
  });

  test('lets one of two changes of a password through that come at once', async () => {
    const { email, userId } = await registered();
    const passwords = ['first horse', 'second horse'];
    const results = await Promise.allSettled(
      passwords.map((newPassword) => users.client.updateProfile({ userId, currentPassword: password, newPassword })),
    );
    const won = results.findIndex(({ status }) => status === 'fulfilled');
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await login(email, passwords[won]);
  });

  test('takes over a role with the next refresh', async () => {
    const { userId, tokens } = await registered();
    await pool.query(`update users set role = 'admin' where id = $1`, [userId]);
    const { accessToken } = await refreshed(tokens);
    expect(decodeJwt(accessToken)['roles']).toEqual(['customer', 'admin']);
    expect((await users.client.getProfile({ userId })).user?.roles).toEqual(['customer', 'admin']);
  });

  test('stores neither a token nor a password as it is', async () => {
    const { tokens } = await registered();
    const { refreshToken } = await refreshed(tokens);
    const stored = `${await postgresDump()}${await redisDump()}`;
    expect(stored).toContain('$argon2id$');
    for (const secret of [password, tokens.refreshToken, refreshToken]) {
      const forms = [secret, Buffer.from(secret, 'base64url').toString('hex'), Buffer.from(secret).toString('hex')];
      expect(forms.filter((form) => stored.includes(form))).toEqual([]);
    }
  }); // prettier-ignore

  test('goes on by itself after its store of logins was killed', async () => {
    const { email, tokens } = await registered();
    const server = place === 'Redis' ? redis : postgres;
    await server.kill();
    await expect(refreshed(tokens)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    await expect(login(email)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(JSON.parse((await users.client.getSigningKeys({})).jwks)).toMatchObject({ keys: [{}, {}] });
    await server.start();
    for (;;) {
      const again = await refreshed(tokens).catch((error: unknown) => error);
      if (!(again instanceof Error)) break;
      expect(again).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    }
    await login(email);
  });
});

/** Everything that Postgres has, bytes in hexadecimal digits. */
async function postgresDump(): Promise<string> {
  const tables = ['users', 'sessions', 'used_tokens', 'signing_keys'];
  const dumps = await Promise.all(tables.map((table) => pool.query(`select to_json(t) from ${table} t`)));
  return JSON.stringify(dumps.map(({ rows }) => rows));
}

/** Everything that Redis has, as its protocol shows it. */
async function redisDump(): Promise<string> {
  const { createClient } = await import('@redis/client');
  const client = createClient({ url: redis.uri });
  await client.connect();
  const values: unknown[] = [];
  for await (const keys of client.scanIterator()) {
    for (const key of keys) {
      const isHash = (await client.type(key)) === 'hash';
      values.push(key, isHash ? await client.hGetAll(key) : await client.zRange(key, 0, -1));
    }
  }
  client.destroy();
  return JSON.stringify(values);
}
