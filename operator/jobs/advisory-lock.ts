import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../runtime/log.ts';
import { JobError } from './failures.ts';
import type { PgClient } from './postgres.ts';

/** First half of the keys of our advisory locks: 'ordr' in ASCII; 'ords' for those on tables, whose second half is the table's oid. */
export const LOCK_CLASS = 0x6f726472;
const TABLE_LOCK_CLASS = 0x6f726473;
export const LOCK_OBJECTS = { migrations: 1, provisioning: 2 } as const;
/** A table can be locked for one run at a time: `name` is what others read who wait for it. */
export type LockName = keyof typeof LOCK_OBJECTS | { table: number; name: string };

const POLL_MS = 200;
const SAY_WHO_EVERY_MS = 10_000;
const GIVE_UP_AFTER_MS = 15 * 60_000;

/**
 * Takes a lock of this session, in this session's database. It is polled: a session that blocks on a lock holds a snapshot, on which
 * a concurrent index build would wait, and be waited for. The lock ends with the session, and so with its holder.
 */
export async function takeAdvisoryLock(client: PgClient, name: LockName, signal: AbortSignal, log: Log): Promise<void> {
  const startedAt = Date.now();
  let toldAt = -Infinity;
  for (;;) {
    const { rows } = await client.query<{ taken: boolean }>(
      'SELECT pg_try_advisory_lock($1, $2) AS taken',
      keysOf(name),
    );
    if (rows[0]?.taken) return;
    const now = Date.now();
    if (now - toldAt >= SAY_WHO_EVERY_MS || now - startedAt > GIVE_UP_AFTER_MS) {
      const holder = (await lockHolder(client, name)) ?? 'another session';
      if (now - startedAt > GIVE_UP_AFTER_MS) {
        throw new JobError(
          'LockTimeout',
          `the lock for ${wordsFor(name)} is still held by ${holder} after ${GIVE_UP_AFTER_MS / 60_000} minutes`,
        );
      }
      log.info({ lockHolder: holder }, `waiting for ${holder}, which holds the lock for ${wordsFor(name)}`);
      toldAt = now;
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

/** Whether this very session holds the lock. Behind a transaction pooler it may not: then nothing may be written. */
export async function holdsAdvisoryLock(client: PgClient, name: LockName): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid() AND classid = $1::int::oid AND objid = $2::int::oid
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    keysOf(name),
  );
  return rowCount === 1;
}

/** Who holds a lock of this database: the name of its connection and the process of the server that serves it. */
export async function lockHolder(client: PgClient, name: LockName): Promise<string | undefined> {
  const { rows } = await client.query<{ holder: string }>(
    `SELECT format('%s (pid %s)', coalesce(nullif(application_name, ''), usename), pid) AS holder
       FROM pg_locks JOIN pg_stat_activity USING (pid)
      WHERE locktype = 'advisory' AND granted AND classid = $1::int::oid AND objid = $2::int::oid
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    keysOf(name),
  );
  return rows[0]?.holder;
}

/** As 32 bits with a sign, which the functions take; `pg_locks` shows the same bits without. */
function keysOf(name: LockName): [number, number] {
  return typeof name === 'string' ? [LOCK_CLASS, LOCK_OBJECTS[name]] : [TABLE_LOCK_CLASS, name.table | 0];
}

const wordsFor = (name: LockName): string => (typeof name === 'string' ? name : name.name);
