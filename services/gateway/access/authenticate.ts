import { ACCESS_TOKEN } from '@orderplane/contracts/access-token.ts';
import { CodedError } from '@orderplane/shared/errors.ts';
import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import * as z from 'zod';
import { ANONYMOUS, type Operator, type Principal, type User } from './principal.ts';
import type { SigningKeys } from './signing-keys.ts';

/** Who the header speaks for: nobody when there is none. Throws UNAUTHENTICATED for one that proves nothing. */
export type Authenticate = (authorization: string | undefined) => Promise<Principal>;

export interface AuthenticateDeps {
  /** Of the platform's accounts; undefined where it has none. */
  readonly keys: SigningKeys | undefined;
  /** Shared with the operator; undefined where it signs no tokens. */
  readonly operatorKey: string | undefined;
  readonly now: () => Date;
}

const userClaims = z.object({ sub: z.uuid(), roles: z.array(z.string()), sid: z.guid().optional() });
const operatorClaims = z.object({ scope: z.enum(['verify', 'trace']) });

/**
 * Each issuer has one algorithm, one kind of key and one audience, and they do not mix: a token of users is ES256 with a published key, one of
 * the operator HS256 with the platform's verification key. None is valid without an expiry.
 */
export function authenticateWith({ keys, operatorKey, now }: AuthenticateDeps): Authenticate {
  const secret = operatorKey === undefined ? undefined : new TextEncoder().encode(operatorKey);
  return async (authorization) => {
    if (authorization === undefined) return ANONYMOUS;
    const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(authorization)?.[1];
    if (token === undefined) throw new CodedError('UNAUTHENTICATED');
    const { alg, kid } = headerOf(token);
    if (alg === 'HS256' && secret) return operatorOf(token, secret, now());
    const key = alg === 'ES256' && kid !== undefined ? await keys?.find(kid) : undefined;
    if (!key) throw new CodedError('UNAUTHENTICATED');
    return userOf(token, key, now());
  };
}

type VerificationKey = Parameters<typeof jwtVerify>[1];

async function userOf(token: string, key: VerificationKey, currentDate: Date): Promise<User> {
  const payload = await verified(token, key, {
    algorithms: [ACCESS_TOKEN.algorithm],
    issuer: ACCESS_TOKEN.issuer,
    audience: ACCESS_TOKEN.audience,
    currentDate,
  });
  const claims = userClaims.safeParse(payload);
  if (!claims.success) throw new CodedError('UNAUTHENTICATED', { cause: claims.error });
  const { sub, roles, sid } = claims.data;
  return { kind: 'user', id: sub, isAdmin: roles.includes('admin'), sessionId: sid };
}

async function operatorOf(token: string, secret: VerificationKey, currentDate: Date): Promise<Operator> {
  const payload = await verified(token, secret, {
    algorithms: ['HS256'],
    issuer: 'orderplane-operator',
    audience: 'gateway',
    currentDate,
  });
  const claims = operatorClaims.safeParse(payload);
  if (!claims.success) throw new CodedError('FORBIDDEN', { cause: claims.error });
  return { kind: 'operator', scope: claims.data.scope };
}

interface Expected {
  readonly algorithms: string[];
  readonly issuer: string;
  readonly audience: string;
  readonly currentDate: Date;
}

async function verified(token: string, key: VerificationKey, expected: Expected): Promise<unknown> {
  try {
    return (await jwtVerify(token, key, { ...expected, requiredClaims: ['exp'] })).payload;
  } catch (error) {
    throw error instanceof errors.JOSEError ? new CodedError('UNAUTHENTICATED', { cause: error }) : error;
  }
}

function headerOf(token: string): { alg?: string; kid?: string } {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    return { ...(typeof alg === 'string' ? { alg } : {}), ...(typeof kid === 'string' ? { kid } : {}) };
  } catch (error) {
    throw new CodedError('UNAUTHENTICATED', { cause: error });
  }
}
