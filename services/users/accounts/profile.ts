import { badInput, CodedError } from '@orderplane/shared/errors.ts';
import type { Logger } from '@orderplane/shared/log.ts';
import type { Passwords } from '../passwords/passwords.ts';
import type { SessionStore } from '../sessions/session-store.ts';
import type { Account, AccountStore } from './account-store.ts';
import { parseEmail, parseName, parseNewPassword, parsePassword } from './input.ts';

export interface ProfileDeps {
  readonly accounts: AccountStore;
  readonly passwords: Passwords;
  readonly sessions: Pick<SessionStore, 'keep'>;
  readonly log: Logger;
}

export interface ProfileChange {
  readonly userId: string;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly currentPassword?: string | undefined;
  readonly newPassword?: string | undefined;
  /** The login that asks. */
  readonly sessionId?: string | undefined;
}

export async function findProfile({ accounts }: Pick<ProfileDeps, 'accounts'>, userId: string): Promise<Account> {
  const account = await accounts.findById(userId);
  if (!account) throw new CodedError('USER_NOT_FOUND');
  return account;
}

export async function updateProfile(deps: ProfileDeps, change: ProfileChange, signal: AbortSignal): Promise<Account> {
  const name = change.name === undefined ? undefined : parseName(change.name);
  const email = change.email === undefined ? undefined : parseEmail(change.email);
  const password = change.newPassword === undefined ? undefined : parseNewPassword(change.newPassword, 'newPassword');
  const account = await findProfile(deps, change.userId);
  if (password !== undefined || change.currentPassword !== undefined) {
    await checkCurrent(deps, account, change.currentPassword, signal);
  }
  const passwordHash = password === undefined ? undefined : await deps.passwords.hash(password, signal);
  const changed = await deps.accounts.update(account, { name, email, passwordHash });
  if (passwordHash !== undefined) await keepLogin(deps, changed, change.sessionId);
  return changed;
}

async function checkCurrent(
  { passwords }: ProfileDeps,
  { passwordHash }: Account,
  given: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (given === undefined) throw badInput('currentPassword', 'A new password needs currentPassword.');
  const current = parsePassword(given);
  const verdict = await passwords.verify(current ?? '', current === undefined ? undefined : passwordHash, signal);
  if (verdict === 'wrong') throw badInput('currentPassword', 'currentPassword is not the current password.');
}

/** The new password holds already, and with it the end of all logins: at worst, this one must log in again, too. */
async function keepLogin(
  { sessions, log }: ProfileDeps,
  account: Account,
  sessionId: string | undefined,
): Promise<void> {
  if (sessionId === undefined) return;
  await sessions
    .keep({ id: sessionId, userId: account.id, passwordVersion: account.passwordVersion })
    .catch((error: unknown) => log.warn({ err: error }, 'a login could not be kept over a change of its password'));
}
