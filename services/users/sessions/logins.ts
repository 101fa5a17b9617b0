import { CodedError } from '@orderplane/shared/errors.ts';
import type { Logger } from '@orderplane/shared/log.ts';
import type { Counter } from 'prom-client';
import { type Account, type AccountStore, rolesOf } from '../accounts/account-store.ts';
import type { AccessTokens } from '../keys/access-token.ts';
import { firstToken, parseToken, type RefreshToken, successorOf } from './refresh-token.ts';
import type { SessionStore } from './session-store.ts';

export interface LoginDeps {
  readonly store: SessionStore;
  readonly accounts: Pick<AccountStore, 'findById'>;
  readonly accessTokens: AccessTokens;
  readonly refreshTokenKey: Uint8Array;
  readonly refreshTokenTtlMs: number;
  readonly refreshes: Counter<'outcome'>;
  readonly now: () => Date;
  readonly log: Logger;
}

/** Lifetimes in milliseconds from now. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly accessTokenTtlMs: number;
  readonly refreshToken: string;
  readonly refreshTokenTtlMs: number;
}

/** A new login of the account. */
export async function openLogin(deps: LoginDeps, account: Account): Promise<IssuedTokens> {
  const token = firstToken();
  const accessToken = await sign(deps, account, token);
  const at = deps.now();
  const expiresAt = expiryFrom(at, deps);
  await deps.store.open({
    id: token.sessionId,
    userId: account.id,
    passwordVersion: account.passwordVersion,
    tokenHash: token.hash,
    expiresAt,
  });
  return issued(deps, accessToken, token, { at, expiresAt });
}

/**
 * A new pair for a refresh token. The exchange comes last: what fails before it leaves the token as good as it was, and an answer that is
 * lost after it can be had again within the grace.
 */
export async function refresh(deps: LoginDeps, text: string): Promise<IssuedTokens> {
  const token = parseToken(text);
  const session = token && (await deps.store.find(token.sessionId, deps.now()));
  if (!token || !session) throw notValid(deps);
  const account = await deps.accounts.findById(session.userId);
  if (!account || account.passwordVersion !== session.passwordVersion) {
    await deps.store.end(token);
    throw notValid(deps);
  }
  const accessToken = await sign(deps, account, token);
  const successor = successorOf(token, deps.refreshTokenKey);
  const at = deps.now();
  const exchanged = await deps.store.exchange({
    sessionId: token.sessionId,
    tokenHash: token.hash,
    successorHash: successor.hash,
    expiresAt: expiryFrom(at, deps),
    at,
  });
  if (exchanged.outcome === 'unknown') throw notValid(deps);
  deps.refreshes.inc({ outcome: exchanged.outcome });
  if (exchanged.outcome === 'reused') {
    deps.log.warn(
      { userId: account.id, login: token.sessionId },
      'a used refresh token came again: its login was ended',
    );
    throw new CodedError('TOKEN_REUSED');
  }
  return issued(deps, accessToken, successor, { at, expiresAt: exchanged.expiresAt });
}

/** Ends the login of a refresh token. What is no token ends nothing. */
export async function logOut({ store }: Pick<LoginDeps, 'store'>, text: string): Promise<void> {
  const token = parseToken(text);
  if (token) await store.end(token);
}

function sign({ accessTokens }: LoginDeps, account: Account, { sessionId }: RefreshToken): Promise<string> {
  return accessTokens.sign(account.id, { roles: rolesOf(account), sid: sessionId });
}

function expiryFrom(at: Date, { refreshTokenTtlMs }: LoginDeps): Date {
  return new Date(at.getTime() + refreshTokenTtlMs);
}

function issued(
  { accessTokens }: LoginDeps,
  accessToken: string,
  token: RefreshToken,
  { at, expiresAt }: { at: Date; expiresAt: Date },
): IssuedTokens {
  return {
    accessToken,
    accessTokenTtlMs: accessTokens.ttlMs,
    refreshToken: token.text,
    refreshTokenTtlMs: expiresAt.getTime() - at.getTime(),
  };
}

function notValid({ refreshes }: LoginDeps): CodedError {
  refreshes.inc({ outcome: 'invalid' });
  return new CodedError('UNAUTHENTICATED', { message: 'This login is over: log in again.', field: 'refreshToken' });
}
