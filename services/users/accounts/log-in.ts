import { CodedError } from '@orderplane/shared/errors.ts';
import type { Counter } from 'prom-client';
import type { Passwords } from '../passwords/passwords.ts';
import { type LoginDeps, logOut, openLogin } from '../sessions/logins.ts';
import type { Account, AccountStore } from './account-store.ts';
import { parsePassword, soughtEmail } from './input.ts';
import type { LoggedIn } from './register.ts';

export interface LogInDeps {
  readonly accounts: AccountStore;
  readonly passwords: Passwords;
  readonly logins: LoginDeps;
  readonly attempts: Counter<'outcome'>;
}

export interface Credentials {
  readonly email: string;
  readonly password: string;
}

/** Wrong addresses and wrong passwords are one answer, and take the same time: a hash is computed for either. */
export async function logIn(deps: LogInDeps, input: Credentials, signal: AbortSignal): Promise<LoggedIn> {
  try {
    const loggedIn = await check(deps, input, signal);
    deps.attempts.inc({ outcome: 'success' });
    return loggedIn;
  } catch (error) {
    deps.attempts.inc({ outcome: error instanceof CodedError ? error.code.toLowerCase() : 'internal' });
    throw error;
  }
}

async function check(deps: LogInDeps, input: Credentials, signal: AbortSignal): Promise<LoggedIn> {
  const { accounts, passwords, logins } = deps;
  const email = soughtEmail(input.email);
  const password = parsePassword(input.password);
  const account = email === undefined ? undefined : await accounts.findByEmail(email);
  const verdict = await passwords.verify(
    password ?? '',
    password === undefined ? undefined : account?.passwordHash,
    signal,
  );
  if (!account || password === undefined || verdict === 'wrong') throw new CodedError('INVALID_CREDENTIALS');
  if (verdict === 'right, and to be hashed anew') await rehash(deps, account, password, signal);
  const tokens = await openLogin(logins, account);
  // Whoever changed the password meanwhile has ended all other logins; this one came too late to be among them.
  const current = await accounts.findById(account.id);
  if (current?.passwordVersion !== account.passwordVersion) {
    await logOut(logins, tokens.refreshToken);
    throw new CodedError('INVALID_CREDENTIALS');
  }
  return { account, tokens };
}

async function rehash({ accounts, passwords }: LogInDeps, account: Account, password: string, signal: AbortSignal) {
  // The login does not depend on it: the next one tries again.
  await passwords
    .hash(password, signal)
    .then((hash) => accounts.rehash(account, hash))
    .catch(() => undefined);
}
