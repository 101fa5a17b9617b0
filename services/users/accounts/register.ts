import { randomUUIDv7 } from 'node:crypto';
import { CodedError } from '@orderplane/shared/errors.ts';
import type { Counter } from 'prom-client';
import type { Passwords } from '../passwords/passwords.ts';
import { type IssuedTokens, type LoginDeps, logOut, openLogin } from '../sessions/logins.ts';
import type { Account, AccountStore } from './account-store.ts';
import { parseEmail, parseName, parseNewPassword } from './input.ts';

export interface RegisterDeps {
  readonly accounts: AccountStore;
  readonly passwords: Passwords;
  readonly logins: LoginDeps;
  readonly registrations: Counter<'outcome'>;
  readonly now: () => Date;
}

export interface Registration {
  readonly email: string;
  readonly password: string;
  readonly name: string;
}

export interface LoggedIn {
  readonly account: Account;
  readonly tokens: IssuedTokens;
}

/**
 * A new account, with its first login. The account comes last: while anything else fails there is none, so that the client may
 * simply try again with the same address.
 */
export async function register(deps: RegisterDeps, input: Registration, signal: AbortSignal): Promise<LoggedIn> {
  const email = parseEmail(input.email);
  const password = parseNewPassword(input.password);
  const name = parseName(input.name);
  if (await deps.accounts.findByEmail(email)) throw taken(deps);
  const account: Account = {
    id: randomUUIDv7(),
    email,
    name,
    passwordHash: await deps.passwords.hash(password, signal),
    passwordVersion: 1,
    role: 'customer',
    createdAt: deps.now(),
  };
  const tokens = await openLogin(deps.logins, account);
  try {
    await deps.accounts.insert(account);
  } catch (error) {
    // Without an account the login is worth nothing; if it cannot be ended either, it expires.
    await logOut(deps.logins, tokens.refreshToken).catch(() => undefined);
    throw error instanceof CodedError && error.code === 'EMAIL_TAKEN' ? taken(deps) : error;
  }
  deps.registrations.inc({ outcome: 'registered' });
  return { account, tokens };
}

function taken({ registrations }: RegisterDeps): CodedError {
  registrations.inc({ outcome: 'email_taken' });
  return new CodedError('EMAIL_TAKEN', { field: 'email' });
}
