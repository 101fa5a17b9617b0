/** What goes around the dump in the one transaction that takes a database back. */
import { quoteName, quoteText } from '../postgres.ts';
import { LOCK_CLASS, LOCK_OBJECTS } from '../advisory-lock.ts';
import type { Manifest } from './store.ts';
import { assertion, doBlock } from './tables.ts';

/** Nobody reads or writes from here on. Tables are locked in one order, ahead of everything, so that nobody who waits can be waited for. */
const LOCK_TABLES = doBlock(`DECLARE tables text; BEGIN
    SELECT string_agg(format('%I.%I', nspname, relname), ', ' ORDER BY nspname, relname) INTO tables
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
     WHERE relkind IN ('r', 'p', 'v') AND relpersistence <> 't' AND nspname !~ '^pg_' AND nspname <> 'information_schema'
       AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');
    IF tables IS NOT NULL THEN EXECUTE 'LOCK TABLE ' || tables || ' IN ACCESS EXCLUSIVE MODE'; END IF;
    END`);

/** What came after the restore point goes too; the schema public, which no dump makes, is made again with the rights that it had. */
const DROP_SCHEMAS = doBlock(`DECLARE schema record; granted record; BEGIN
    FOR schema IN
      SELECT nspname AS name, nspowner, coalesce(nspacl, acldefault('n', nspowner)) AS acl FROM pg_namespace AS n
       WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
         AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_namespace'::regclass AND d.objid = n.oid AND d.deptype = 'e')
    LOOP
      EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', schema.name);
      CONTINUE WHEN schema.name <> 'public';
      EXECUTE format('CREATE SCHEMA public AUTHORIZATION %I', pg_get_userbyid(schema.nspowner));
      FOR granted IN
        SELECT privilege_type AS right, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS whom
          FROM aclexplode(schema.acl) WHERE grantee <> schema.nspowner
      LOOP EXECUTE format('GRANT %s ON SCHEMA public TO %s', granted.right, granted.whom); END LOOP;
    END LOOP;
    END`);

/** Roles come and go as passwords are rotated: those that the dump names and that are gone are there for as long as it takes. */
function makeMissingRoles(roles: readonly string[]): string {
  return [
    'CREATE TEMPORARY TABLE orderplane_missing_roles (name text) ON COMMIT DROP;',
    ...roles.map((role) =>
      doBlock(`BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = ${quoteText(role)}) THEN RETURN; END IF;
    CREATE ROLE ${quoteName(role)} NOLOGIN;
    INSERT INTO pg_temp.orderplane_missing_roles VALUES (${quoteText(role)});
    END`),
    ),
  ].join('\n');
}

const dropMissingRoles = (heir: string): string =>
  doBlock(`DECLARE role text; BEGIN
    FOR role IN SELECT name FROM pg_temp.orderplane_missing_roles LOOP
      EXECUTE format('REASSIGN OWNED BY %I TO ${heir.replaceAll("'", "''").replaceAll('%', '%%')}', role);
      EXECUTE format('DROP OWNED BY %I', role);
      EXECUTE format('DROP ROLE %I', role);
    END LOOP;
    END`);

/** Roles that were made since are granted what the owner's defaults grant them on anything new. */
const GRANT_DEFAULTS = doBlock(`DECLARE granted record; BEGIN
    FOR granted IN
      SELECT privilege_type AS right, CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind, nspname, relname,
             CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END AS whom
        FROM pg_default_acl, aclexplode(defaclacl), pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
       WHERE relowner = defaclrole AND grantee <> relowner AND defaclnamespace IN (0, relnamespace)
         AND defaclobjtype = CASE WHEN relkind IN ('r', 'p', 'v', 'm', 'f') THEN 'r' WHEN relkind = 'S' THEN 'S' END::"char"
    LOOP EXECUTE format('GRANT %s ON %s %I.%I TO %s', granted.right, granted.kind, granted.nspname, granted.relname, granted.whom); END LOOP;
    END`);

export function opening({ roles }: Manifest, lockTimeoutMs: number): string {
  return [
    'BEGIN;',
    'SET client_min_messages = warning;',
    `SET LOCAL lock_timeout = ${lockTimeoutMs};`,
    'SET LOCAL statement_timeout = 0;',
    'SET LOCAL idle_in_transaction_session_timeout = 0;',
    LOCK_TABLES,
    makeMissingRoles(roles),
    DROP_SCHEMAS,
    '',
  ].join('\n');
}

export function closing(
  { tables }: Manifest,
  { comment, ownerRole, lockPid }: { comment: string; ownerRole: string | undefined; lockPid: number },
): string {
  return [
    'RESET SESSION AUTHORIZATION;',
    assertion(tables),
    GRANT_DEFAULTS,
    dropMissingRoles(ownerRole ? quoteName(ownerRole) : 'CURRENT_USER'),
    ledgerComment(comment),
    stillLocked(lockPid),
    'COMMIT;',
    '',
  ].join('\n');
}

/** A point from before the first migration may have no ledger: then there is nothing that would be repeated by a second run but the same. */
const ledgerComment = (comment: string): string =>
  doBlock(`BEGIN
    IF to_regclass('public.orderplane_migrations') IS NULL THEN RETURN; END IF;
    EXECUTE 'COMMENT ON TABLE public.orderplane_migrations IS ' || ${quoteText(comment)};
    END`);

/** Nobody else may have begun to migrate: behind a transaction pooler, or when the connection with the lock was cut. */
const stillLocked = (pid: number): string =>
  doBlock(`BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND pid = ${pid}
                      AND classid = ${LOCK_CLASS} AND objid = ${LOCK_OBJECTS.migrations}) THEN
      RAISE EXCEPTION 'the lock for migrations was lost meanwhile';
    END IF;
    END`);
