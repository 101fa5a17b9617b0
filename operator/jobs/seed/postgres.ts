import { setTimeout as delay } from 'node:timers/promises';
import { takeAdvisoryLock } from '../advisory-lock.ts';
import type { SeedCounts, SeedDataset } from '../contract.ts';
import { codeOf, JobError, messageOf } from '../failures.ts';
import { inTransaction, withPostgres, type PgClient } from '../postgres.ts';
import { createProgress } from '../progress.ts';
import { isUnreachable } from '../unreachable.ts';
import { checkKey } from './checks.ts';
import { copyIntoEmpty } from './copy-into-empty.ts';
import type { Seeder, SeedOptions } from './index.ts';
import { invalidDataset } from './invalid-dataset.ts';
import { claimRun, ensureRunsTable, recordCounts, recordedCounts } from './runs-table.ts';
import { openSource } from './source.ts';
import { stage, type Target } from './stage.ts';
import { readTable } from './table.ts';
import { write } from './write.ts';

/** For rows that somebody else has locked. */
const LOCK_TIMEOUT_MS = 30_000;
/** Another writer of the same rows took them in another order: deadlock, or a serialization failure. */
const RETRYABLE: ReadonlySet<unknown> = new Set(['40P01', '40001']);
const ATTEMPTS = 4;

/** Rows, counts and the record of the run are one transaction; one run at a time writes into a table. */
export const seedPostgres: Seeder = (dataset, options) => {
  const { uri, run, signal, log } = options;
  const connection = { uri, database: dataset.database, applicationName: `orderplane-seed ${run}`, signal };
  return withPostgres(connection, async (client) => {
    await client.query(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
    await ensureRunsTable(client);
    const recorded = await recordedCounts(client, dataset, options);
    if (recorded) return recorded;
    const { oid, name } = await readTable(client, dataset);
    await takeAdvisoryLock(client, { table: oid, name: `seeding ${name}` }, signal, log);
    for (let attempt = 1; ; attempt++) {
      try {
        return await inTransaction(client, () => seedOnce(client, dataset, options));
      } catch (error) {
        if (!RETRYABLE.has(codeOf(error)) || attempt === ATTEMPTS) throw seedError(dataset, error);
        await delay(attempt * 100, undefined, { signal });
      }
    }
  });
};

async function seedOnce(client: PgClient, dataset: SeedDataset, options: SeedOptions): Promise<SeedCounts> {
  const recorded = await claimRun(client, dataset, options);
  if (recorded) return recorded;
  const table = await readTable(client, dataset);
  checkKey(dataset, table);
  const fields = table.columns.filter(({ generated }) => !generated).map(({ name }) => name);
  const source = await openSource(dataset, fields);
  if (source.total === 0 && dataset.mode === 'Replace')
    throw invalidDataset(dataset, 'it has no rows, and Replace would delete all there are: delete them yourself if that is meant');
  const progress = createProgress(options.log);
  try {
    const target: Target = { client, dataset, table, source, progress };
    // What follows is done as the table's owner: its triggers and policies must not run with the administrator's rights.
    const counts = (await copyIntoEmpty(target)) ?? (await write(target, await stage(target)));
    await client.query('SET LOCAL ROLE NONE');
    await recordCounts(client, dataset, options, counts);
    return counts;
  } finally {
    progress.end();
  }
} // prettier-ignore

function seedError(dataset: SeedDataset, error: unknown): unknown {
  if (error instanceof JobError || isUnreachable(error) || codeOf(error) === undefined) return error;
  const { detail } = error as { detail?: string };
  return new JobError('SeedRejected', `dataset "${dataset.name}": ${messageOf(error)}${detail ? ` (${detail})` : ''}`, {
    cause: error,
  });
}
