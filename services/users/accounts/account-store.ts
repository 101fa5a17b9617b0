import type { Role } from '@orderplane/contracts/access-token.ts';
import { CodedError } from '@orderplane/shared/errors.ts';
import { type Pool, query } from '@orderplane/shared/postgres.ts';

export interface Account {
  readonly id: string;
  readonly email: string;
  readonly name: string;
  readonly passwordHash: string;
  /** Counts the passwords that the account has had. */
  readonly passwordVersion: number;
  readonly role: Role;
  readonly createdAt: Date;
}

/** An admin is a customer as well. */
export function rolesOf({ role }: Pick<Account, 'role'>): Role[] {
  return role === 'admin' ? ['customer', 'admin'] : ['customer'];
}

export interface AccountChange {
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  readonly passwordHash?: string | undefined;
}

export interface AccountStore {
  /** Throws EMAIL_TAKEN. */
  insert(account: Account): Promise<void>;
  findByEmail(email: string): Promise<Account | undefined>;
  findById(id: string): Promise<Account | undefined>;
  /**
   * Changes what is set, and counts a new password. Throws EMAIL_TAKEN, and CONFLICT when the account has another password by now
   * than the one that the change was allowed with.
   */
  update(account: Account, change: AccountChange): Promise<Account>;
  /** Replaces the hash of the same password. Does nothing when there is another one by now. */
  rehash(account: Account, passwordHash: string): Promise<void>;
}

const COLUMNS = `id, email, name, password_hash as "passwordHash", password_version as "passwordVersion", role,
  created_at as "createdAt"`;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function postgresAccountStore(pool: Pool): AccountStore {
  return {
    async insert({ id, email, name, passwordHash, passwordVersion, role, createdAt }) {
      const inserted = await query(
        pool,
        `insert into users (id, email, name, password_hash, password_version, role, created_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (email) do nothing returning id`,
        [id, email, name, passwordHash, passwordVersion, role, createdAt],
      );
      if (inserted.length === 0) throw new CodedError('EMAIL_TAKEN', { field: 'email' });
    },
    async findByEmail(email) {
      return (await query<Account>(pool, `select ${COLUMNS} from users where email = $1`, [email]))[0];
    },
    async findById(id) {
      if (!UUID.test(id)) return undefined;
      return (await query<Account>(pool, `select ${COLUMNS} from users where id = $1`, [id]))[0];
    },
    async update({ id, passwordVersion }, { name, email, passwordHash }) {
      const changed = await query<Account>(
        pool,
        `update users set name = coalesce($3, name), email = coalesce($4, email), password_hash = coalesce($5, password_hash),
           password_version = password_version + ($5::text is not null)::int
         where id = $1 and password_version = $2 returning ${COLUMNS}`,
        [id, passwordVersion, name ?? null, email ?? null, passwordHash ?? null],
      ).catch((error: unknown) => {
        throw isTaken(error) ? new CodedError('EMAIL_TAKEN', { field: 'email', cause: error }) : error;
      });
      if (!changed[0]) throw new CodedError('CONFLICT');
      return changed[0];
    },
    async rehash({ id, passwordHash: before }, passwordHash) {
      await query(pool, 'update users set password_hash = $3 where id = $1 and password_hash = $2', [
        id,
        before,
        passwordHash,
      ]);
    },
  };
}

function isTaken(error: unknown): boolean {
  return Error.isError(error) && 'constraint' in error && error.constraint === 'users_email';
}
