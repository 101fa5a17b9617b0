import { takeAdvisoryLock } from '../advisory-lock.ts';
import type { PostgresRole } from '../contract.ts';
import type { Log } from '../../runtime/log.ts';
import { codeOf, JobError, messageOf } from '../failures.ts';
import { inTransaction, quoteName, quoteText, withPostgres, type PgClient, type PostgresOptions } from '../postgres.ts';
import { isUnreachable } from '../unreachable.ts';
import { takenBy } from './taken.ts';
import type { Provisioner } from './index.ts';
import {
  databaseChanges,
  endOfRole,
  loginMark,
  otherHolder,
  PUBLIC,
  ROLE_MARK,
  serverChanges,
  type Change,
  type DatabaseState,
  type PostgresWanted,
  type ServerState,
} from './postgres-plan.ts';
import { matchesVerifier, scramVerifier } from './scram.ts';

/** Makes databases, owners, roles and grants as wanted; touches only what differs. One provisioner at a time a server. */
export const provisionPostgres: Provisioner<PostgresWanted> = async (wanted, { uri, signal, log, passwordOf }) => {
  const options: PostgresOptions = { uri, applicationName: 'orderplane-provision', signal };
  refuseStrayRoles(wanted);
  return withPostgres(options, async (admin) => {
    await takeAdvisoryLock(admin, 'provisioning', signal, log);
    const state = await readServer(admin, wanted);
    refuseTakenRoles(wanted, state);
    const logins = [];
    for (const role of uniqueRoles(wanted.roles)) {
      const stored = state.roles.find(({ name }) => name === role.name)?.verifier;
      const password = await passwordOf(role);
      const known = stored != null && matchesVerifier(password, stored);
      logins.push({ name: role.name, ...(!known && { verifier: scramVerifier(password) }) });
    }
    let count = await perform(admin, serverChanges(wanted, logins, state), log);
    for (const database of wanted.databases) {
      count += await withPostgres({ ...options, database: database.name }, (client) =>
        inTransaction(client, async () => {
          const roles = wanted.roles.filter((role) => role.database === database.name);
          return perform(client, databaseChanges(database, roles, await readDatabase(client, database.owner)), log);
        }),
      );
    }
    for (const ended of wanted.ended) {
      const owner = wanted.databases.find(({ name }) => name === ended.database)?.owner;
      const { forPlatform } = wanted;
      if (owner) count += await endRole(admin, options, { ...ended, owner, forPlatform }, log);
    }
    return count;
  });
};

const DEPENDENT_OBJECTS_STILL_EXIST = '2BP01';

interface EndedRole {
  name: string;
  database: string;
  owner: string;
  forPlatform: string | undefined;
}

/** Ends a role of ours. Where somebody granted it something in another database it stays, and can do nothing. */
async function endRole(
  admin: PgClient,
  options: PostgresOptions,
  { name, database, owner, forPlatform }: EndedRole,
  log: Log,
): Promise<number> {
  const sql = `SELECT shobj_description(oid, 'pg_authid') AS comment FROM pg_roles WHERE rolname = $1`;
  const [role] = (await admin.query<{ comment: string | null }>(sql, [name])).rows;
  if (!role) return 0;
  if (role.comment !== ROLE_MARK && role.comment !== loginMark(forPlatform)) {
    log.warn(`role ${name} is left alone: it does not bear the comment "${loginMark(forPlatform)}"`);
    return 0;
  }
  const { lockOut, disown, drop } = endOfRole(name, owner);
  await perform(admin, lockOut, log);
  await withPostgres({ ...options, database }, (client) => inTransaction(client, () => perform(client, disown, log)));
  try {
    await admin.query(drop.sql);
    log.info(drop.title);
  } catch (error) {
    if (codeOf(error) !== DEPENDENT_OBJECTS_STILL_EXIST) throw error;
    log.warn(`role ${name} cannot log in, but is not dropped: ${messageOf(error)}`);
  }
  return 1;
}

async function perform(
  client: PgClient,
  changes: readonly Change[],
  log: { info(message: string): void },
): Promise<number> {
  for (const { title, sql } of changes) {
    try {
      await client.query(sql);
    } catch (error) {
      if (isUnreachable(error)) throw error;
      throw new JobError('Failed', `cannot ${title}: ${messageOf(error)}`, { cause: error });
    }
    log.info(title);
  }
  return changes.length;
}

function refuseStrayRoles(wanted: PostgresWanted): void {
  const stray = wanted.roles.find((role) => !wanted.databases.some((database) => database.name === role.database));
  if (stray)
    throw new JobError('InvalidInput', `role ${stray.name} is for database "${stray.database}", which is not listed`);
  const owner = wanted.roles.find((role) => wanted.databases.some((database) => database.owner === role.name));
  if (owner)
    throw new JobError('InvalidInput', `role ${owner.name} is to log in, but owns a database: owners do not log in`);
}

/** Two platforms that use one server would take each other's passwords away. */
function refuseTakenRoles({ roles, forPlatform }: PostgresWanted, state: ServerState): void {
  for (const { name } of roles) {
    const holder = otherHolder(state.roles.find((role) => role.name === name)?.comment ?? null, forPlatform);
    if (holder === undefined) continue;
    const handOver = `COMMENT ON ROLE ${quoteName(name)} IS ${quoteText(ROLE_MARK)}`;
    throw new JobError('LoginTaken', `role ${name} ${takenBy(holder)}: ${handOver}`);
  }
}

function uniqueRoles(roles: readonly PostgresRole[]): PostgresRole[] {
  return [...new Map(roles.map((role) => [role.name, role])).values()];
}

async function readServer(admin: PgClient, wanted: PostgresWanted): Promise<ServerState> {
  const names = [...wanted.databases.map((database) => database.owner), ...wanted.roles.map((role) => role.name)];
  const databases = await admin.query<ServerState['databases'][number]>(
    'SELECT datname AS name, pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = ANY($1)',
    [wanted.databases.map((database) => database.name)],
  );
  const roles = await admin.query<ServerState['roles'][number] & { isAdmin: boolean }>(
    `SELECT rolname AS name, rolcanlogin AS login, rolpassword AS verifier, shobj_description(oid, 'pg_authid') AS comment, rolname = session_user AS "isAdmin",
            rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls AS privileged,
            rolconnlimit <> -1 OR NOT rolinherit OR rolvaliduntil IS NOT NULL AS limited
       FROM pg_authid WHERE rolname = ANY($1)`,
    [names],
  );
  const admins = roles.rows.find((role) => role.isAdmin);
  if (admins)
    throw new JobError('InvalidInput', `role ${admins.name} is the administrator's own: a service cannot have it`);
  return { databases: databases.rows, roles: roles.rows };
}

/** One row an object: its grants by grantee. Objects of others, such as the ledger of migrations, are left alone. */
const OBJECTS = `
  WITH objects AS (
    SELECT 'DATABASE' AS kind, quote_ident(datname) AS name, coalesce(datacl, acldefault('d', datdba)) AS acl
      FROM pg_database WHERE datname = current_database()
    UNION ALL
    SELECT 'SCHEMA', quote_ident(nspname), coalesce(nspacl, acldefault('n', nspowner))
      FROM pg_namespace WHERE nspname = 'public' OR nspowner = $1::regrole
    UNION ALL
    SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, format('%I.%I', nspname, relname), relacl
      FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
     WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND relowner = $1::regrole
    UNION ALL
    SELECT kind, '', defaclacl
      FROM (VALUES ('DEFAULT SCHEMAS', 'n'), ('DEFAULT TABLES', 'r'), ('DEFAULT SEQUENCES', 'S')) AS kinds (kind, type)
      LEFT JOIN pg_default_acl ON defaclobjtype::text = type AND defaclrole = $1::regrole AND defaclnamespace = 0
  ), grants AS (
    SELECT kind, name, CASE grantee WHEN 0 THEN '${PUBLIC}' ELSE pg_get_userbyid(grantee)::text END AS grantee,
           jsonb_agg(privilege_type) AS privileges
      FROM objects, aclexplode(acl) GROUP BY 1, 2, 3
  )
  SELECT kind, name, coalesce(jsonb_object_agg(grantee, privileges) FILTER (WHERE grantee IS NOT NULL), '{}') AS grants
    FROM objects LEFT JOIN grants USING (kind, name) GROUP BY 1, 2 ORDER BY 1, 2`;

async function readDatabase(client: PgClient, owner: string): Promise<DatabaseState> {
  const quotedOwner = (await client.query<{ name: string }>('SELECT quote_ident($1) AS name', [owner])).rows[0]?.name;
  const objects = await client.query<DatabaseState['objects'][number]>(OBJECTS, [quotedOwner]);
  const members = await client.query<{ name: string }>(
    'SELECT pg_get_userbyid(member) AS name FROM pg_auth_members WHERE roleid = $1::regrole',
    [quotedOwner],
  );
  const sessionRoles = await client.query<{ name: string; role: string }>(
    `SELECT pg_get_userbyid(setrole) AS name, substr(setting, 6) AS role
       FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase, unnest(setconfig) AS setting
      WHERE datname = current_database() AND setting LIKE 'role=%'`,
  );
  return {
    objects: objects.rows,
    members: members.rows.map((row) => row.name),
    sessionRoles: Object.fromEntries(sessionRoles.rows.map((row) => [row.name, row.role])),
  };
}
