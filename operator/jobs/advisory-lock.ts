import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../runtime/log.ts';
import { JobError } from './failures.ts';
import type { PgClient } from './postgres.ts';

/** First half of the keys of all our advisory locks: 'ordr' in ASCII. */
const LOCK_CLASS = 0x6f726472;
const LOCK_OBJECTS = { migrations: 1, provisioning: 2 } as const;
export type LockName = keyof typeof LOCK_OBJECTS;

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
    const { rows } = await client.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS taken', [
      LOCK_CLASS,
      LOCK_OBJECTS[name],
    ]);
    if (rows[0]?.taken) return;
    const now = Date.now();
    if (now - toldAt >= SAY_WHO_EVERY_MS || now - startedAt > GIVE_UP_AFTER_MS) {
      const holder = (await lockHolder(client, name)) ?? 'another session';
      if (now - startedAt > GIVE_UP_AFTER_MS) {
        throw new JobError(
          'LockTimeout',
          `the lock for ${name} is still held by ${holder} after ${GIVE_UP_AFTER_MS / 60_000} minutes`,
        );
      }
      log.info({ lockHolder: holder }, `waiting for ${holder}, which holds the lock for ${name}`);
      toldAt = now;
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

/** Whether this very session holds the lock. Behind a transaction pooler it may not: then nothing may be written. */
export async function holdsAdvisoryLock(client: PgClient, name: LockName): Promise<boolean> {
  const { rowCount } = await client.query(
    `SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND pid = pg_backend_pid() AND classid = $1 AND objid = $2
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [LOCK_CLASS, LOCK_OBJECTS[name]],
  );
  return rowCount === 1;
}

/** Who holds a lock of this database: the name of its connection and the process of the server that serves it. */
export async function lockHolder(client: PgClient, name: LockName): Promise<string | undefined> {
  const { rows } = await client.query<{ holder: string }>(
    `SELECT format('%s (pid %s)', coalesce(nullif(application_name, ''), usename), pid) AS holder
       FROM pg_locks JOIN pg_stat_activity USING (pid)
      WHERE locktype = 'advisory' AND granted AND classid = $1 AND objid = $2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [LOCK_CLASS, LOCK_OBJECTS[name]],
  );
  return rows[0]?.holder;
}
