import { CodedError } from '@orderplane/shared/errors.ts';

export interface Anonymous {
  readonly kind: 'anonymous';
}

export interface User {
  readonly kind: 'user';
  readonly id: string;
  readonly isAdmin: boolean;
  /** Which login of theirs it is. */
  readonly sessionId?: string | undefined;
}

/** The operator itself, with the right to one thing. */
export interface Operator {
  readonly kind: 'operator';
  readonly scope: 'verify' | 'trace';
}

/** Who makes a request, as far as its token proves it. */
export type Principal = Anonymous | User | Operator;

export const ANONYMOUS: Anonymous = { kind: 'anonymous' };

/** Throws UNAUTHENTICATED where nobody is logged in, and FORBIDDEN for the operator, who is no customer. */
export function requireUser(principal: Principal): User {
  if (principal.kind === 'user') return principal;
  throw new CodedError(principal.kind === 'anonymous' ? 'UNAUTHENTICATED' : 'FORBIDDEN');
}

/** Whose things this user may see: an admin everybody's (nothing to restrict by), anybody else their own. */
export function ownerFilter({ id, isAdmin }: User): { userId?: string } {
  return isAdmin ? {} : { userId: id };
}
