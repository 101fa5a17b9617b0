/** Takes a restore point: a dump of one snapshot, which is restored into a scratch database and compared before it counts. */
import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import type { Log } from '../../runtime/log.ts';
import type { MigrateInput, MigrateResult, RestorePoint } from '../contract.ts';
import { codeOf, JobError, messageOf } from '../failures.ts';
import type { JobEnv } from '../job.ts';
import { withPostgres, type PgClient } from '../postgres.ts';
import { createProgress, type Progress } from '../progress.ts';
import { isUnreachable } from '../unreachable.ts';
import { inDatabase, startProgram, withClientPrograms, type ClientPrograms } from './client.ts';
import { runScript, writeArchive } from './replay.ts';
import { mayCreateDatabases, withScratchDatabase } from './scratch.ts';
import { folderOf, fullness, inUnits, keep, openFolder, partialFile, readManifests, remove, superfluous, syncPath, type Manifest } from './store.ts'; // prettier-ignore
import { difference, readContents, readTables, STABLE_TEXT, type TableContent } from './tables.ts';

export interface RestorePointOptions {
  uri: string;
  database: string;
  policy: NonNullable<MigrateInput['restorePoint']>;
  /** How long a table that another session has locked is waited for, in milliseconds. */
  lockTimeoutMs: number;
  /** The newest version in the ledger; empty before the first. */
  version: string;
  run: string;
  env: JobEnv;
  signal: AbortSignal;
  log: Log;
  /** A restore point that must not go, however old. */
  named?: string;
}

export interface RestorePointOutcome {
  restorePoint?: RestorePoint;
  /** Those that are kept, oldest first. */
  restorePoints?: MigrateResult['restorePoints'];
  /** Why there is none, or none that was verified, where the policy lets that be. */
  warning?: string;
}

/**
 * Takes a restore point of the database as it is, under the lock for its migrations, which the caller holds. Under `Required` whatever keeps it from
 * being taken and verified is thrown as RestorePointFailed; under `Optional` it is a warning. An empty database has nothing to go back to, and none is
 * taken.
 */
export async function takeRestorePoint(options: RestorePointOptions): Promise<RestorePointOutcome> {
  const { policy, database, signal, log } = options;
  try {
    return await take(options);
  } catch (error) {
    if (signal.aborted || isUnreachable(error)) throw error;
    const why = `no restore point could be taken of ${database}: ${await inWords(error, folderOf(policy.dir, database))}`;
    if (policy.policy === 'Required') throw new JobError('RestorePointFailed', why, { cause: error });
    log.warn(why);
    return { warning: why };
  }
}

async function take(options: RestorePointOptions): Promise<RestorePointOutcome> {
  const { uri, database, policy, env, signal, log, run, named } = options;
  const name = `orderplane-restore-point ${run}`;
  const folder = folderOf(policy.dir, database);
  const progress = createProgress(log);
  try {
    return await withPostgres({ uri, database, applicationName: name, signal }, (client) =>
      withClientPrograms({ uri, database, name, env, signal }, async (programs) => {
        if (!(await hasContent(client))) return {};
        if (policy.unavailable) throw new Error(policy.unavailable);
        const { may, login } = await mayCreateDatabases(client);
        const refusal = `user "${login}" may not create the scratch database that a restore point is verified in: ALTER ROLE "${login}" CREATEDB`;
        if (!may && policy.policy === 'Required') throw new Error(refusal);
        const known = await openFolder(folder);
        await removeAll(folder, superfluous(known, policy, new Date(), named), log);

        const point = await dump(client, programs, folder, options, progress);
        try {
          if (may) await verify(client, programs, folder, point, options, progress);
          await keep(folder, { ...point, verified: may });
        } catch (error) {
          await remove(folder, point.id);
          throw error;
        }
        await removeAll(folder, superfluous([point, ...known], policy, new Date(), named), log);
        const restorePoint = summary({ ...point, verified: may });
        log.info(
          { restorePoint },
          `restore point ${point.id} of version ${point.version || 'none'}, ${inUnits(point.bytes)}`,
        );
        return {
          restorePoint,
          restorePoints: await keptPoints(folder),
          ...(!may && { warning: `restore point ${point.id} is not verified: ${refusal}` }),
        };
      }),
    );
  } finally {
    progress.end();
  }
}

/** What the status tells of one. */
export function summary({ id, takenAt, version, bytes, tables, verified }: Manifest): RestorePoint {
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  return { id, takenAt, version, bytes, tables: tables.length, rows, verified };
}

const SHOWN_POINTS = 10;

/** What can be gone back to, for a status. */
export async function keptPoints(folder: string): Promise<MigrateResult['restorePoints']> {
  const newest = (await readManifests(folder)).slice(0, SHOWN_POINTS);
  return newest.toReversed().map(({ id, takenAt, version, bytes }) => ({ id, takenAt, version, bytes }));
}

/** Whether there is anything but an empty ledger. */
async function hasContent(client: PgClient): Promise<boolean> {
  const tables = await readTables(client);
  if (tables.some(({ name }) => name !== 'orderplane_migrations')) return true;
  return (await readContents(client, tables)).some(({ rows }) => rows > 0);
}

/** Dumps and counts in one snapshot, side by side. What is partial when this throws is removed. */
async function dump(
  client: PgClient,
  programs: ClientPrograms,
  folder: string,
  { database, version, run, lockTimeoutMs }: RestorePointOptions,
  progress: Progress,
): Promise<Manifest> {
  const takenAt = new Date().toISOString();
  const id = `${takenAt.slice(0, 19).replace(/[-:]/g, '').replace('T', '-')}-${randomBytes(3).toString('hex')}`;
  const file = partialFile(folder, id);
  try {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    for (const setting of [
      ...STABLE_TEXT,
      'SET LOCAL statement_timeout = 0',
      'SET LOCAL idle_in_transaction_session_timeout = 0',
    ])
      await client.query(setting);
    const facts = await readFacts(client);
    const tables = await readTables(client);
    let dumped = 0;
    const args = ['--format=custom', '--no-large-objects', '--verbose', `--snapshot=${facts.snapshot}`, `--lock-wait-timeout=${lockTimeoutMs}`, `--file=${file}`]; // prettier-ignore
    const dumping = startProgram(programs, 'pg_dump', args, (line) => {
      if (line.includes('dumping contents of table'))
        progress.tell(`restore point: dumping table ${++dumped} of ${tables.length}`);
    });
    let contents: TableContent[];
    try {
      // Whichever fails first ends the other.
      [contents] = await Promise.all([readContents(client, tables), dumping.ended]);
    } finally {
      dumping.stop();
      await dumping.ended.catch(() => {});
    }
    await client.query('COMMIT');
    await syncPath(file);
    const { bytes, server, roles } = { ...facts, bytes: (await stat(file)).size };
    return { format: 1, id, database, takenAt, version, bytes, verified: false, server, run, roles, tables: contents };
  } catch (error) {
    await client.query('ROLLBACK').catch(() => {});
    await remove(folder, id);
    throw error;
  }
}

interface Facts {
  snapshot: string;
  server: string;
  roles: string[];
}

async function readFacts(client: PgClient): Promise<Facts> {
  const { rows } = await client.query<Facts & { largeObjects: boolean }>(`
    SELECT pg_catalog.pg_export_snapshot() AS snapshot, current_setting('server_version') AS server,
           EXISTS (SELECT FROM pg_catalog.pg_largeobject_metadata) AS "largeObjects",
           ARRAY(SELECT DISTINCT pg_catalog.pg_get_userbyid(refobjid)::text FROM pg_catalog.pg_shdepend
                  WHERE refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
                    AND dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())) AS roles`);
  const [facts] = rows;
  if (!facts || facts.largeObjects)
    throw new Error(
      'it holds large objects, which restore points do not cover: keep files in bytea columns or elsewhere',
    );
  return facts;
}

/** Restores the dump beside the original, and compares. */
async function verify(
  client: PgClient,
  programs: ClientPrograms,
  folder: string,
  { id, tables }: Manifest,
  { uri, database, run, signal }: RestorePointOptions,
  progress: Progress,
): Promise<void> {
  await withScratchDatabase(client, { uri, database }, async (scratch) => {
    let restored = 0;
    const onTable = () => progress.tell(`restore point: restoring table ${++restored} of ${tables.length} to compare`);
    await runScript(inDatabase(programs, scratch), async (script) => {
      script.write('SET synchronous_commit = off;\n');
      const options = ['--no-owner', '--no-privileges', '--no-publications', '--no-subscriptions'];
      await writeArchive(programs, partialFile(folder, id), script, { options, onTable });
    });
    const applicationName = `orderplane-restore-point ${run}`;
    const found = await withPostgres({ uri, database: scratch, applicationName, signal }, async (other) => {
      await other.query('BEGIN READ ONLY');
      for (const setting of [...STABLE_TEXT, 'SET LOCAL statement_timeout = 0']) await other.query(setting);
      return readContents(other, await readTables(other), (done) =>
        progress.tell(`restore point: comparing table ${done} of ${tables.length}`),
      );
    });
    const fault = difference(tables, found);
    if (fault) throw new Error(`restored into a scratch database, it is not what was dumped: ${fault}`);
  });
}

async function removeAll(folder: string, ids: readonly string[], log: Log): Promise<void> {
  for (const id of ids) {
    log.info(`restore point ${id} is old, or above the count that is kept: removing it`);
    await remove(folder, id);
  }
}

/** What is wrong, and what to do about it. */
async function inWords(error: unknown, folder: string): Promise<string> {
  const message = messageOf(error);
  if (
    codeOf(error) === 'ENOSPC' ||
    codeOf(error) === 'EDQUOT' ||
    /^error: could not (write|close|open|fsync).*(No space left|quota exceeded)/i.test(message)
  ) {
    const free = await fullness(folder).catch(() => '');
    return `its volume is full${free && ` (${free})`}: raise restorePoints.storage, or keep fewer by restorePoints.keep or maxAge (${message})`;
  }
  if (/No space left on device|could not extend file/i.test(message))
    return `the server has no room for the scratch database that it is verified in, which is as large as the database: ${message}`;
  if (['EACCES', 'EPERM', 'EROFS'].includes(String(codeOf(error))) || /could not open output file/i.test(message))
    return `its volume cannot be written to: ${message}`;
  return message;
}
