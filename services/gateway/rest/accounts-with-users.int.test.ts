import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { createPool } from '@orderplane/shared/postgres.ts';
import { migrate, startUsers } from '@orderplane/users/testing.ts';
import { startGateway, type TestGateway } from '../testing/gateway.ts';

let postgres: Awaited<ReturnType<typeof startPostgres>>;
let users: Awaited<ReturnType<typeof startUsers>>;
let gateway: TestGateway;

beforeAll(async () => {
  postgres = await startPostgres();
  const pool = createPool({ uri: postgres.uri, name: 'test', log: createLogger('test', 'silent') });
  await migrate(pool);
  await pool.end();
  users = await startUsers({ POSTGRES_URI: postgres.uri });
  gateway = await startGateway({ USERS_URL: `http://127.0.0.1:${users.port}` });
}, 600_000);
afterAll(async () => {
  await Promise.all([gateway?.stop(), users?.stop()]);
  await postgres?.stop();
});

const post = (path: string, body: object) => gateway.send('POST', `/api/v1/auth/${path}`, { body });

describe('the gateway before the real users', () => {
  test('takes a customer from registering to the end of the login', async () => {
    const account = { email: 'Ann@example.com', password: 'correct horse', name: 'Ann' };
    const registered = await post('register', account);
    expect(registered).toMatchObject({
      status: 201,
      body: { user: { email: 'ann@example.com', roles: ['customer'] } },
    });
    expect(await post('register', account)).toMatchObject({
      status: 409,
      body: { code: 'EMAIL_TAKEN', field: 'email' },
    });
    const profile = (token: string) => gateway.send('GET', '/api/v1/users/profile', { token });
    expect(await profile(registered.body.tokens.accessToken)).toMatchObject({
      status: 200,
      body: registered.body.user,
    });

    const { email, password } = account;
    const [here, elsewhere] = [await post('login', { email, password }), await post('login', { email, password })];
    const changed = await gateway.send('PUT', '/api/v1/users/profile', {
      token: here.body.tokens.accessToken,
      body: { currentPassword: password, newPassword: 'new horse' },
    });
    expect(changed.status).toBe(200);
    expect(await post('refresh', { refreshToken: elsewhere.body.tokens.refreshToken })).toMatchObject({
      status: 401,
      body: { code: 'UNAUTHENTICATED' },
    });
    const refreshed = await post('refresh', { refreshToken: here.body.tokens.refreshToken });
    expect(refreshed.status).toBe(200);
    expect(await profile(refreshed.body.accessToken)).toMatchObject({ status: 200 });

    const { refreshToken } = refreshed.body;
    expect(await post('logout', { refreshToken })).toMatchObject({ status: 204 });
    expect(await post('refresh', { refreshToken })).toMatchObject({ status: 401 });
  });

  test.each([
    ['login', { email: 'nobody@example.com', password: 'correct horse' }, 401, { code: 'INVALID_CREDENTIALS' }],
    ['refresh', { refreshToken: 'a'.repeat(64) }, 401, { code: 'UNAUTHENTICATED' }],
    ['register', { email: 'bob@example.com', password: 'short', name: 'Bob' }, 400, { field: 'password' }],
    ['register', { email: 'bob', password: 'correct horse', name: 'Bob' }, 400, { field: 'email' }],
  ])('refuses to %s with %j', async (path, body, status, problem) => {
    expect(await post(path, body)).toMatchObject({ status, body: problem });
  });
});
