/** Who signs access tokens, for whom, and how: all of it is checked, and nothing else is taken. Keys come from UsersService.GetSigningKeys. */
export const ACCESS_TOKEN = { issuer: 'orderplane', audience: 'orderplane-gateway', algorithm: 'ES256' } as const;

export type Role = 'customer' | 'admin';

/** Beside the registered claims: `sub` is the user's id. */
export interface AccessClaims {
  readonly roles: readonly Role[];
  /** The login that the token is of. */
  readonly sid: string;
}
