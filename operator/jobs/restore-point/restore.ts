/** Takes a database back to a restore point: everything in one transaction, which is committed only when the tables are what they were. */
import { takeAdvisoryLock } from '../advisory-lock.ts';
import { JobError, messageOf } from '../failures.ts';
import { quoteText, withPostgres, type PgClient } from '../postgres.ts';
import { createProgress } from '../progress.ts';
import { isUnreachable } from '../unreachable.ts';
import { withClientPrograms } from './client.ts';
import { runScript, writeArchive } from './replay.ts';
import { closing, opening } from './restore-script.ts';
import { dumpFile, folderOf, readManifests, remove, type Manifest } from './store.ts';
import { takeRestorePoint, type RestorePointOptions, type RestorePointOutcome } from './take.ts';

export interface RestoreOptions extends Omit<RestorePointOptions, 'policy' | 'version' | 'named'> {
  /** Folder of the restore points of all databases. */
  dir: string;
  id: string;
  /** Names this wish to go back: one that has been carried out is not carried out again, even where nobody heard of its end. */
  request: string;
  /** Under it a restore point of what is given up is taken first; undefined: none is. */
  policy: RestorePointOptions['policy'] | undefined;
  /** The role that owns the database's tables. */
  ownerRole: string | undefined;
}

/** Goes back to a restore point, once a request, and tells of the one that was taken of what was given up. Reads and writes of others wait meanwhile; where anything fails, nothing has changed. */
export async function goBack(options: RestoreOptions): Promise<RestorePointOutcome> {
  const { uri, database, dir, id, request, run, signal, log } = options;
  const folder = folderOf(dir, database);
  const applicationName = `orderplane-migrate ${run}`;
  return withPostgres({ uri, database, applicationName, signal }, async (client) => {
    await takeAdvisoryLock(client, 'migrations', signal, log);
    if (await wasCarriedOut(client, request)) {
      log.info(`${database} was taken back to ${id} by an earlier run: nothing to do`);
      return {};
    }
    const point = await findPoint(folder, id, database);
    const outcome = await savePresent(client, options);
    try {
      await restore(client, folder, point, options);
    } catch (error) {
      // Nothing was given up: what was saved would only push out others.
      if (outcome.restorePoint) await remove(folder, outcome.restorePoint.id);
      throw explain(error, options);
    }
    log.info(`${database} is as it was at ${point.takenAt}, at version ${point.version || 'none'}`);
    return outcome;
  });
}

async function findPoint(folder: string, id: string, database: string): Promise<Manifest> {
  const known = await readManifests(folder);
  const point = known.find((each) => each.id === id);
  if (point) return point;
  const others = known.length > 0 ? `there are ${known.map((each) => each.id).join(', ')}` : 'there is none';
  throw new JobError('RestorePointMissing', `there is no restore point ${id} of ${database}: ${others}`);
}

/** The ledger's own comment tells of the last time that its database was taken back, for people as well. */
async function wasCarriedOut(client: PgClient, request: string): Promise<boolean> {
  const sql = `SELECT obj_description(to_regclass('public.orderplane_migrations'), 'pg_class') AS comment`;
  const [row] = (await client.query<{ comment: string | null }>(sql)).rows;
  return row?.comment?.endsWith(` (request ${request})`) ?? false;
}

async function savePresent(client: PgClient, options: RestoreOptions): Promise<RestorePointOutcome> {
  const { policy, id } = options;
  if (!policy) return {};
  return takeRestorePoint({ ...options, policy, named: id, version: await versionNow(client) });
}

async function versionNow(client: PgClient): Promise<string> {
  const [ledger] = (await client.query(`SELECT to_regclass('public.orderplane_migrations') AS name`)).rows;
  if (!ledger?.name) return '';
  const sql = 'SELECT version FROM public.orderplane_migrations ORDER BY version::numeric DESC LIMIT 1';
  return (await client.query<{ version: string }>(sql)).rows[0]?.version ?? '';
}

async function restore(client: PgClient, folder: string, point: Manifest, options: RestoreOptions): Promise<void> {
  const { uri, database, env, signal, log, run, request, ownerRole, lockTimeoutMs } = options;
  const [session] = (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows;
  const comment = quoteText(`Taken back to restore point ${point.id} by ${run} (request ${request})`);
  const progress = createProgress(log);
  let restored = 0;
  const onTable = () => progress.tell(`going back to ${point.id}: table ${++restored} of ${point.tables.length}`);
  try {
    await withClientPrograms({ uri, database, name: `orderplane-restore ${run}`, env, signal }, (programs) =>
      runScript(programs, async (script) => {
        script.write(opening(point, lockTimeoutMs));
        const archive = dumpFile(folder, point.id);
        await writeArchive(programs, archive, script, {
          options: ['--clean', '--if-exists', '--no-subscriptions'],
          onTable,
        });
        script.write(closing(point, { comment, ownerRole, lockPid: session?.pid ?? 0 }));
      }),
    );
  } finally {
    progress.end();
  }
}

function explain(error: unknown, { database, id, signal }: RestoreOptions): unknown {
  if (signal.aborted || isUnreachable(error) || error instanceof JobError) return error;
  const message = messageOf(error);
  if (/lock timeout|deadlock detected/.test(message)) {
    const words = `a table of ${database} is locked by another session: nothing was changed, and it is tried again`;
    return new JobError('LockTimeout', `${words} (${message})`, { cause: error });
  }
  const words = `${database} could not be taken back to ${id}, and nothing was changed`;
  return new JobError('RestoreFailed', `${words}: ${message}`, { cause: error });
}
