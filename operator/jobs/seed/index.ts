import {
  seedInput,
  type JobResult,
  type SeedCounts,
  type SeedDataset,
  type SeedInput,
  type SeedResult,
} from '../contract.ts';
import { JobError } from '../failures.ts';
import { requireServer, runJob, type JobContext, type JobEnv } from '../job.ts';
import { retryWhileUnreachable } from '../unreachable.ts';
import type { Log } from '../../runtime/log.ts';

/** The name of the table or collection, in the target itself, that remembers which run has written which dataset. */
export const SEED_RUNS = 'orderplane_seed_runs';

export interface SeedOptions {
  uri: string;
  run: string;
  inputHash: string;
  signal: AbortSignal;
  log: Log;
}

/** Writes one dataset and says what the database counted. A run that is repeated after a lost answer gets the recorded counts. */
export type Seeder = (dataset: SeedDataset, options: SeedOptions) => Promise<SeedCounts>;

/** Writes datasets into tables and collections, in the order given. */
export function runSeed(env: JobEnv, signal: AbortSignal): Promise<JobResult<SeedResult>> {
  return runJob({ name: 'seed', input: seedInput, run: seed }, env, signal);
}

async function seed({ input, env, signal, log, noteDone }: JobContext<SeedInput>): Promise<SeedResult> {
  const replaced = input.datasets.filter(({ mode }) => mode === 'Replace').map(({ name }) => `"${name}"`);
  if (replaced.length > 0 && !input.confirmed)
    throw new JobError('NotConfirmed', `Replace deletes rows, and nobody has confirmed it for ${replaced.join(', ')}`);
  const datasets: SeedResult['datasets'] = [];
  for (const dataset of input.datasets) {
    signal.throwIfAborted();
    const seeder = await loadSeeder(dataset.engine);
    const { uri } = requireServer(env, dataset.engine === 'postgres' ? 'POSTGRES_ADMIN_URI' : 'MONGO_ADMIN_URI');
    const { inputHash, run } = input;
    const counts = await retryWhileUnreachable(() => seeder(dataset, { uri, run, inputHash, signal, log }), {
      what: `the ${dataset.engine} database "${dataset.database}"`,
      signal,
      log,
    });
    log.info({ dataset: dataset.name, ...counts }, `seeded ${dataset.name}`);
    datasets.push({ name: dataset.name, ...counts });
    noteDone({ datasets });
  }
  return { datasets };
}

async function loadSeeder(engine: SeedDataset['engine']): Promise<Seeder> {
  return engine === 'postgres' ? (await import('./postgres.ts')).seedPostgres : (await import('./mongo.ts')).seedMongo;
}
