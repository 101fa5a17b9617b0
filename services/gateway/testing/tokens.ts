import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export const VERIFICATION_KEY = 'a key that is only good for the tests';
export const OWNER = '11111111-1111-4111-8111-111111111111';
export const STRANGER = '22222222-2222-4222-8222-222222222222';
export const ADMIN = '33333333-3333-4333-8333-333333333333';

export interface Claims {
  readonly sub?: string;
  readonly roles?: string[];
  readonly iss?: string;
  readonly aud?: string;
  /** Null: without. */
  readonly exp?: string | null;
}

/** Signs as users does. */
export async function issuer(kid = 'k1') {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' };
  return {
    jwk,
    token: ({
      sub = OWNER,
      roles = ['customer'],
      iss = 'orderplane',
      aud = 'orderplane-gateway',
      exp = '1m',
    }: Claims = {}) => {
      const token = new SignJWT({ roles })
        .setProtectedHeader({ alg: 'ES256', kid })
        .setSubject(sub)
        .setIssuer(iss)
        .setAudience(aud);
      return (exp === null ? token : token.setExpirationTime(exp)).sign(privateKey);
    },
  };
}

/** Signs as the operator does. */
export function operatorToken(
  { scope = 'verify', aud = 'gateway', exp = '1m' }: { scope?: string; aud?: string; exp?: string } = {},
  key = VERIFICATION_KEY,
): Promise<string> {
  return new SignJWT({ scope })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('orderplane-operator')
    .setAudience(aud)
    .setExpirationTime(exp)
    .sign(new TextEncoder().encode(key));
}
