import { randomUUID } from 'node:crypto';
import { ACCESS_TOKEN, type AccessClaims } from '@orderplane/contracts/access-token.ts';
import { SignJWT } from 'jose';
import type { SigningKeys } from './signing-keys.ts';

export interface AccessTokens {
  readonly ttlMs: number;
  sign(userId: string, claims: AccessClaims): Promise<string>;
}

export function accessTokens(keys: Pick<SigningKeys, 'current'>, ttlMs: number, now: () => Date): AccessTokens {
  return {
    ttlMs,
    async sign(userId, { roles, sid }) {
      const { id, key } = await keys.current();
      const issuedAt = Math.floor(now().getTime() / 1000);
      return new SignJWT({ roles, sid })
        .setProtectedHeader({ alg: ACCESS_TOKEN.algorithm, typ: 'JWT', kid: id })
        .setIssuer(ACCESS_TOKEN.issuer)
        .setAudience(ACCESS_TOKEN.audience)
        .setSubject(userId)
        .setJti(randomUUID())
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + Math.floor(ttlMs / 1000))
        .sign(key);
    },
  };
}
