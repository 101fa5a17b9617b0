import { Command } from 'commander';
import type { JobResult } from './contract.ts';
import type { JobEnv } from './job.ts';

type RunJob = (env: JobEnv, signal: AbortSignal) => Promise<JobResult<object>>;

export const migrateCommand = (): Command =>
  jobCommand(
    'migrate',
    'apply the pending migrations of one database',
    async () => (await import('./migrate/index.ts')).runMigrate,
  );

export const seedCommand = (): Command =>
  jobCommand(
    'seed',
    'write datasets into tables and collections',
    async () => (await import('./seed/index.ts')).runSeed,
  );

export const provisionCommand = (): Command =>
  jobCommand(
    'provision',
    'make databases, roles, grants and users as asked',
    async () => (await import('./provision/index.ts')).runProvision,
  );

export const connectCommand = (): Command =>
  jobCommand(
    'connect',
    'connect to a store or broker that is not ours',
    async () => (await import('./connect/index.ts')).runConnect,
  );

export const verifyCommand = (): Command =>
  jobCommand(
    'verify',
    'send a synthetic order through the whole platform',
    async () => (await import('./verify/index.ts')).runVerify,
  );

function jobCommand(name: string, summary: string, load: () => Promise<RunJob>): Command {
  return new Command(name)
    .description(`inside a Job: ${summary}; input from $ORDERPLANE_INPUT, result to $ORDERPLANE_RESULT`)
    .action(async () => {
      const stop = new AbortController();
      for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
      const run = await load();
      const result = await run(process.env, stop.signal);
      process.exitCode = result.ok ? 0 : 1;
    });
}
