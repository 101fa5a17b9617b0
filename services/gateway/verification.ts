import { CodedError } from '@orderplane/shared/errors.ts';
import { errors, jwtVerify } from 'jose';

const ISSUER = 'orderplane-operator';
const AUDIENCE = 'gateway';
const SCOPE = 'verify';

/** Throws UNAUTHENTICATED or FORBIDDEN unless the header bears the operator's token for verification. */
export type Verify = (authorization: string | undefined) => Promise<void>;

/** Tokens are JWTs signed with the platform's verification key, HS256 and nothing else, and not without an expiry. */
export function verificationWith(key: string | undefined): Verify {
  const secret = key === undefined ? undefined : new TextEncoder().encode(key);
  return async (authorization) => {
    const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1];
    if (!secret || token === undefined) throw new CodedError('UNAUTHENTICATED');
    const { payload } = await jwtVerify(token, secret, {
      algorithms: ['HS256'],
      issuer: ISSUER,
      audience: AUDIENCE,
      requiredClaims: ['exp'],
    }).catch((error: unknown) => {
      throw error instanceof errors.JOSEError ? new CodedError('UNAUTHENTICATED', { cause: error }) : error;
    });
    if (payload.scope !== SCOPE) throw new CodedError('FORBIDDEN');
  };
}
