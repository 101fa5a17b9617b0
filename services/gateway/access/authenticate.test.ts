import { beforeAll, describe, expect, test } from '@jest/globals';
import { importJWK, SignJWT } from 'jose';
import { type Claims, issuer, operatorToken, OWNER, VERIFICATION_KEY } from '../testing/tokens.ts';
import { authenticateWith } from './authenticate.ts';

let users: Awaited<ReturnType<typeof issuer>>;
beforeAll(async () => {
  users = await issuer();
});

const authenticate = async (header: string | undefined, now = new Date()) => {
  const key = await importJWK(users.jwk, 'ES256');
  const keys = { find: async (kid: string) => (kid === 'k1' ? key : undefined) };
  return authenticateWith({ keys, operatorKey: VERIFICATION_KEY, now: () => now })(header);
};
const bearer = async (token: Promise<string> | string) => `Bearer ${await token}`;
const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a token', () => {
  test.each<[string, () => Promise<string | undefined>, object]>([
    ['there is none', async () => undefined, { kind: 'anonymous' }],
    ['of a customer', () => bearer(users.token()), { kind: 'user', id: OWNER, isAdmin: false }],
    ['of an admin', () => bearer(users.token({ roles: ['admin'] })), { kind: 'user', id: OWNER, isAdmin: true }],
    ['of the operator, to verify', () => bearer(operatorToken()), { kind: 'operator', scope: 'verify' }],
    [
      'of the operator, to trace',
      () => bearer(operatorToken({ scope: 'trace' })),
      { kind: 'operator', scope: 'trace' },
    ],
  ])('says who it is: %s', async (_sentence, header, principal) => {
    expect(await authenticate(await header())).toEqual(principal);
  });

  const claims = (changed: Claims) => () => users.token(changed);
  test.each<[string, () => Promise<string> | string]>([
    ['has expired', claims({ exp: '-1s' })],
    ['never expires', claims({ exp: null })],
    ['is of another issuer', claims({ iss: 'someone' })],
    ['is for another audience', claims({ aud: 'orders' })],
    ['is of nobody', claims({ sub: 'nobody' })],
    ['is signed with a key that users never published', async () => (await issuer('k2')).token()],
    ['claims the id of a key that it is not signed with', async () => (await issuer('k1')).token()],
    ['is not signed', async () => `${encoded({ alg: 'none', kid: 'k1' })}.${(await users.token()).split('.')[1]}.`],
    // What the key is public for must not make it a secret.
    [
      'is signed with the published key as if that were a secret',
      () =>
        new SignJWT({ roles: ['admin'] })
          .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
          .setSubject(OWNER)
          .setIssuer('orderplane')
          .setAudience('orderplane-gateway')
          .setExpirationTime('1m')
          .sign(new TextEncoder().encode(JSON.stringify(users.jwk))),
    ],
    [
      "is a user's, signed with the operator's key",
      () =>
        new SignJWT({ roles: ['admin'] })
          .setProtectedHeader({ alg: 'HS256' })
          .setSubject(OWNER)
          .setIssuer('orderplane')
          .setAudience('orderplane-gateway')
          .setExpirationTime('1m')
          .sign(new TextEncoder().encode(VERIFICATION_KEY)),
    ],
    ["is the operator's, with another key", () => operatorToken({}, 'another key of a sufficient length')],
    ["is the operator's, for another audience", () => operatorToken({ aud: 'orders' })],
    ["is the operator's, and has expired", () => operatorToken({ exp: '-1s' })],
    ['is none', () => 'abc'],
    ['has a header that is none', () => 'a.b.c'],
  ])('proves nothing when it %s', async (_sentence, token) => {
    await expect(authenticate(await bearer(token()))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });

  test('of the operator with another scope allows nothing', async () => {
    const header = await bearer(operatorToken({ scope: 'read' }));
    await expect(authenticate(header)).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  test('ends when its time has come', async () => {
    const header = await bearer(users.token({ exp: '15m' }));
    const after = (minutes: number) => new Date(Date.now() + minutes * 60_000);
    await expect(authenticate(header, after(14))).resolves.toMatchObject({ kind: 'user' });
    await expect(authenticate(header, after(16))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
  });
});
