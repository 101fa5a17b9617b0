import {
  seedInput,
  type JobResult,
  type SeedCounts,
  type SeedDataset,
  type SeedInput,
  type SeedResult,
  type SeedRow,
} from '../contract.ts';
import { JobError } from '../failures.ts';
import { requireServer, runJob, type JobContext, type JobEnv } from '../job.ts';
import { retryWhileUnreachable } from '../unreachable.ts';

/** The name of the table or collection, in the target itself, that remembers which run has written which dataset. */
export const SEED_RUNS = 'orderplane_seed_runs';

export interface SeedOptions {
  uri: string;
  run: string;
  inputHash: string;
  signal: AbortSignal;
}

/** A dataset whose rows are at hand. */
export type RowsDataset = SeedDataset & { rows: SeedRow[] };

/** Writes one dataset and says what the database counted. A run that is repeated after a lost answer gets the recorded counts. */
export type Seeder = (dataset: RowsDataset, options: SeedOptions) => Promise<SeedCounts>;

/** Writes datasets into tables and collections, in the order given. */
export function runSeed(env: JobEnv, signal: AbortSignal): Promise<JobResult<SeedResult>> {
  return runJob({ name: 'seed', input: seedInput, run: seed }, env, signal);
}

async function seed({ input, env, signal, log }: JobContext<SeedInput>): Promise<SeedResult> {
  const datasets: SeedResult['datasets'] = [];
  for (const dataset of input.datasets) {
    signal.throwIfAborted();
    const { rows } = dataset;
    if (!rows || dataset.mode === 'Replace')
      throw new JobError(
        'InvalidDataset',
        `dataset "${dataset.name}": only rows that are written inline, by InsertOnly or Upsert, are seeded yet`,
      );
    const seeder = await loadSeeder(dataset.engine);
    const { uri } = requireServer(env, dataset.engine === 'postgres' ? 'POSTGRES_ADMIN_URI' : 'MONGO_ADMIN_URI');
    const { inputHash, run } = input;
    const counts = await retryWhileUnreachable(() => seeder({ ...dataset, rows }, { uri, run, inputHash, signal }), {
      what: `the ${dataset.engine} database "${dataset.database}"`,
      signal,
      log,
    });
    log.info({ dataset: dataset.name, ...counts }, `seeded ${dataset.name}`);
    datasets.push({ name: dataset.name, ...counts });
  }
  return { datasets };
}

async function loadSeeder(engine: SeedDataset['engine']): Promise<Seeder> {
  return engine === 'postgres' ? (await import('./postgres.ts')).seedPostgres : (await import('./mongo.ts')).seedMongo;
}
