/**
 * In a network of its own (`unshare --net`): a Job migrates, in the middle of a statement every packet begins to vanish, and none does any
 * more when the Job's lock is free. Prints what was seen, as JSON.
 */
import { execFileSync } from 'node:child_process';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import pg from 'pg';
import { postgresTarget } from './postgres-target.ts';

/** Dropped on their way in: whoever sends them is told nothing, as on a wire that was cut. */
const dropPackets = (change: '--insert' | '--delete'): void =>
  void execFileSync('iptables', [change, 'INPUT', '--in-interface', 'lo', '--jump', 'DROP']);
const FILES = {
  '1_a.up.sql': 'create table a (id int);\nselect pg_advisory_xact_lock(42);\ninsert into a values (1);',
};

execFileSync('ip', ['link', 'set', 'lo', 'up']);
const server = await startPostgres();
try {
  const db = await postgresTarget(server.uri, FILES);
  await db.end();
  // By the socket, which the cut does not concern.
  const observer = new pg.Client({
    host: server.socketDir,
    port: server.port,
    user: 'postgres',
    database: db.database,
  });
  await observer.connect();
  await observer.query('SELECT pg_advisory_lock(42)');
  const job = await db.spawn('cut');
  const holds = async (isGranted: boolean): Promise<boolean> => {
    const { rowCount } = await observer.query(
      `SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid)
        WHERE a.application_name = 'orderplane-migrate cut' AND l.locktype = 'advisory' AND l.granted = $1`,
      [isGranted],
    );
    return rowCount !== 0;
  };
  while (!(await holds(false))) await new Promise(setImmediate);
  dropPackets('--insert');
  const cutAt = performance.now();
  while (await holds(true)) await new Promise(setImmediate);
  const freeAfterMs = Math.round(performance.now() - cutAt);
  dropPackets('--delete');
  await observer.query('SELECT pg_advisory_unlock(42)');
  const { code, result } = await job.exited;
  const { rows } = await observer.query('SELECT count(*)::int AS rows FROM a');
  await observer.end();
  process.stdout.write(`${JSON.stringify({ freeAfterMs, code, ...rows[0], result: JSON.parse(result) })}\n`);
} finally {
  await server.stop();
}
