/** Says which statements turn what a Postgres server has into what is asked. Pure: the password verifiers come in as input. */
import type { PostgresRole, ProvisionInput } from '../contract.ts';
import { quoteName, quoteText } from '../postgres.ts';

export interface Change {
  /** What is done, without secrets. */
  title: string;
  sql: string;
}

export type PostgresWanted = NonNullable<ProvisionInput['postgres']>;

export interface ServerState {
  databases: { name: string; owner: string }[];
  roles: {
    name: string;
    login: boolean;
    privileged: boolean;
    limited: boolean;
    verifier: string | null;
    comment: string | null;
  }[];
}

/** A role to log in with: `verifier` is set when the stored one was made from another password. */
export interface WantedLogin {
  name: string;
  verifier?: string;
}

/** Comment on the roles that are ours: a role that does not bear it is never ended, whatever its name. */
export const ROLE_MARK = 'made by orderplane';

/** The comment on a role to log in with: on a server that several platforms use, it says whose it is. */
export function loginMark(platform: string | undefined): string {
  return platform === undefined ? ROLE_MARK : `${ROLE_MARK} for ${platform}`;
}

/** The platform that a role belongs to by its comment, where that is another one. */
export function otherHolder(comment: string | null, platform: string | undefined): string | undefined {
  if (platform === undefined || comment === loginMark(platform)) return undefined;
  const [, holder] = comment?.split(`${ROLE_MARK} for `) ?? [];
  return holder;
}

const NO_POWERS = 'NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT -1';

/** Owners first: databases belong to them. `CREATE DATABASE` runs outside of transactions, so these run one by one. */
export function serverChanges(wanted: PostgresWanted, logins: readonly WantedLogin[], state: ServerState): Change[] {
  const changes: Change[] = [];
  for (const owner of new Set(wanted.databases.map((database) => database.owner))) {
    changes.push(...roleChanges({ name: owner, login: 'NOLOGIN', mark: ROLE_MARK }, state));
  }
  const mark = loginMark(wanted.forPlatform);
  for (const { name, verifier } of logins)
    changes.push(...roleChanges({ name, login: 'LOGIN', verifier, mark }, state));
  for (const { name, owner } of wanted.databases) {
    const existing = state.databases.find((database) => database.name === name);
    if (!existing) {
      const sql = `CREATE DATABASE ${quoteName(name)} OWNER ${quoteName(owner)} TEMPLATE template0`;
      changes.push({ title: `create database ${name}`, sql });
    } else if (existing.owner !== owner) {
      const sql = `ALTER DATABASE ${quoteName(name)} OWNER TO ${quoteName(owner)}`;
      changes.push({ title: `give database ${name} to ${owner}`, sql });
    }
  }
  return changes;
}

interface WantedRole extends WantedLogin {
  login: 'LOGIN' | 'NOLOGIN';
  mark: string;
}

function roleChanges({ name, login, verifier, mark: wantedMark }: WantedRole, state: ServerState): Change[] {
  const existing = state.roles.find((role) => role.name === name);
  const password = verifier ? ` PASSWORD ${quoteText(verifier)}` : '';
  const mark =
    existing?.comment === wantedMark
      ? []
      : [{ title: `mark role ${name}`, sql: `COMMENT ON ROLE ${quoteName(name)} IS ${quoteText(wantedMark)}` }];
  if (!existing) {
    const sql = `CREATE ROLE ${quoteName(name)} ${login} INHERIT ${NO_POWERS}${password}`;
    return [{ title: `create role ${name}`, sql }, ...mark];
  }
  const asWanted = existing.login === (login === 'LOGIN') && !existing.privileged && !existing.limited;
  if (asWanted && !password) return mark;
  const title = asWanted ? `set the password of role ${name}` : `alter role ${name}`;
  return [{ title, sql: `ALTER ROLE ${quoteName(name)} ${login} INHERIT ${NO_POWERS}${password}` }, ...mark];
}

/** What ends a role, in three parts: nobody gets in any more and who is in is put out; in its database nothing is left of it; it is dropped. */
export function endOfRole(name: string, owner: string): { lockOut: Change[]; disown: Change[]; drop: Change } {
  const role = quoteName(name);
  return {
    lockOut: [
      { title: `let nobody log in as ${name}`, sql: `ALTER ROLE ${role} NOLOGIN PASSWORD NULL` },
      {
        title: `end the connections of ${name}`,
        sql: `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ${quoteText(name)}`,
      },
    ],
    disown: [
      { title: `give what ${name} has to ${owner}`, sql: `REASSIGN OWNED BY ${role} TO ${quoteName(owner)}` },
      { title: `revoke what was granted to ${name}`, sql: `DROP OWNED BY ${role}` },
    ],
    drop: { title: `drop role ${name}`, sql: `DROP ROLE ${role}` },
  };
}

const GRANT_KINDS = [
  'DATABASE',
  'SCHEMA',
  'TABLE',
  'SEQUENCE',
  'DEFAULT SCHEMAS',
  'DEFAULT TABLES',
  'DEFAULT SEQUENCES',
] as const;
export type GrantKind = (typeof GRANT_KINDS)[number];

export interface DatabaseState {
  /** Everything that grants can be on: the database, `public`, what the owner has made, and the owner's defaults for what it will make. */
  objects: { kind: GrantKind; /** Quoted; empty for defaults. */ name: string; grants: Record<string, string[]> }[];
  /** Members of the owner. */
  members: string[];
  /** The role that a session of a role takes on in this database. */
  sessionRoles: Record<string, string>;
}

export const PUBLIC = 'PUBLIC';

type Access = PostgresRole['access'];
const PRIVILEGES: Record<'DATABASE' | 'SCHEMA' | 'TABLE' | 'SEQUENCE', Record<Access, readonly string[]>> = {
  DATABASE: { ReadOnly: ['CONNECT'], ReadWrite: ['CONNECT'], Owner: ['CONNECT'] },
  SCHEMA: { ReadOnly: ['USAGE'], ReadWrite: ['USAGE'], Owner: [] },
  TABLE: { ReadOnly: ['SELECT'], ReadWrite: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'], Owner: [] },
  SEQUENCE: { ReadOnly: ['SELECT'], ReadWrite: ['USAGE', 'SELECT'], Owner: [] },
};

/** What differs in one database: grants, defaults for later objects, and who acts as its owner. Nothing is left to PUBLIC. */
export function databaseChanges(
  database: PostgresWanted['databases'][number],
  roles: readonly PostgresRole[],
  state: DatabaseState,
): Change[] {
  const changes: Change[] = [];
  for (const object of state.objects) {
    const grantees: { name: string; wanted: readonly string[] }[] = roles.map((role) => ({
      name: role.name,
      wanted: privilegesOf(object.kind, role.access),
    }));
    if (object.kind === 'DATABASE' || object.kind === 'SCHEMA') grantees.push({ name: PUBLIC, wanted: [] });
    for (const { name, wanted } of grantees) {
      changes.push(...grantChanges(database.owner, object, name, object.grants[name] ?? [], wanted));
    }
  }
  for (const role of roles) changes.push(...membershipChanges(database, role, state));
  return changes;
}

function privilegesOf(kind: GrantKind, access: Access): readonly string[] {
  switch (kind) {
    case 'DATABASE':
      return PRIVILEGES.DATABASE[access];
    case 'SCHEMA':
    case 'DEFAULT SCHEMAS':
      return PRIVILEGES.SCHEMA[access];
    case 'TABLE':
    case 'DEFAULT TABLES':
      return PRIVILEGES.TABLE[access];
    case 'SEQUENCE':
    case 'DEFAULT SEQUENCES':
      return PRIVILEGES.SEQUENCE[access];
  }
}

function grantChanges(
  owner: string,
  object: DatabaseState['objects'][number],
  grantee: string,
  current: readonly string[],
  wanted: readonly string[],
): Change[] {
  const surplus = current.filter((privilege) => !wanted.includes(privilege));
  const missing = wanted.filter((privilege) => !current.includes(privilege));
  const prefix = object.kind.startsWith('DEFAULT ') ? `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteName(owner)} ` : '';
  const on = prefix ? object.kind.replace('DEFAULT ', '') : `${object.kind} ${object.name}`;
  const to = grantee === PUBLIC ? PUBLIC : quoteName(grantee);
  const changes: Change[] = [];
  if (surplus.length > 0) {
    const sql = `${prefix}REVOKE ${surplus.join(', ')} ON ${on} FROM ${to}`;
    changes.push({ title: `revoke ${surplus.join(', ')} on ${prefix ? `later ${on}` : on} from ${grantee}`, sql });
  }
  if (missing.length > 0) {
    const sql = `${prefix}GRANT ${missing.join(', ')} ON ${on} TO ${to}`;
    changes.push({ title: `grant ${missing.join(', ')} on ${prefix ? `later ${on}` : on} to ${grantee}`, sql });
  }
  return changes;
}

/** A role with access Owner acts as the owner from its first statement: what it makes must not be lost with the role. */
function membershipChanges(
  database: PostgresWanted['databases'][number],
  role: PostgresRole,
  state: DatabaseState,
): Change[] {
  const [owner, member] = [quoteName(database.owner), quoteName(role.name)];
  const inDatabase = `ALTER ROLE ${member} IN DATABASE ${quoteName(database.name)}`;
  const isMember = state.members.includes(role.name);
  const actsAs = state.sessionRoles[role.name];
  const changes: Change[] = [];
  if (role.access === 'Owner') {
    if (!isMember)
      changes.push({ title: `make ${role.name} a member of ${database.owner}`, sql: `GRANT ${owner} TO ${member}` });
    if (actsAs !== database.owner) {
      changes.push({ title: `let ${role.name} act as ${database.owner}`, sql: `${inDatabase} SET role = ${owner}` });
    }
    return changes;
  }
  if (actsAs !== undefined) changes.push({ title: `let ${role.name} act as itself`, sql: `${inDatabase} RESET role` });
  if (isMember)
    changes.push({
      title: `end the membership of ${role.name} in ${database.owner}`,
      sql: `REVOKE ${owner} FROM ${member}`,
    });
  return changes;
}
