import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../../runtime/log.ts';
import {
  PASSWORD_DIR,
  provisionInput,
  type JobResult,
  type ProvisionInput,
  type ProvisionResult,
} from '../contract.ts';
import { JobError, messageOf } from '../failures.ts';
import { requireServer, runJob, type JobContext, type JobEnv } from '../job.ts';
import { retryWhileUnreachable } from '../unreachable.ts';

interface PasswordSource {
  name: string;
  passwordFile?: string | undefined;
  passwordEnv?: string | undefined;
}

export interface ProvisionOptions {
  uri: string;
  signal: AbortSignal;
  log: Log;
  passwordOf: (source: PasswordSource) => Promise<string>;
}

/** Brings one store to what is wanted and says how much it had to change. Safe to repeat, at any time, by several at once. */
export type Provisioner<W> = (wanted: W, options: ProvisionOptions) => Promise<number>;

/** Makes databases, roles, grants and users as asked. */
export function runProvision(env: JobEnv, signal: AbortSignal): Promise<JobResult<ProvisionResult>> {
  return runJob({ name: 'provision', input: provisionInput, run: provision }, env, signal);
}

async function provision(context: JobContext<ProvisionInput>): Promise<ProvisionResult> {
  const { input, env, signal, log, secrets } = context;
  const passwordOf = async (source: PasswordSource): Promise<string> => {
    const password = await readPassword(source, env);
    secrets.add(password);
    return password;
  };
  let changes = 0;
  if (input.postgres) {
    const { postgres } = input;
    const { provisionPostgres } = await import('./postgres.ts');
    const options = { uri: requireServer(env, 'POSTGRES_ADMIN_URI').uri, signal, log, passwordOf };
    changes += await retryWhileUnreachable(() => provisionPostgres(postgres, options), {
      what: 'Postgres',
      signal,
      log,
    });
  }
  if (input.mongo) {
    const { mongo } = input;
    const { provisionMongo } = await import('./mongo.ts');
    const options = { uri: requireServer(env, 'MONGO_ADMIN_URI').uri, signal, log, passwordOf };
    changes += await retryWhileUnreachable(() => provisionMongo(mongo, options), { what: 'MongoDB', signal, log });
  }
  if (input.redis) {
    const { redis } = input;
    const { provisionRedis } = await import('./redis.ts');
    const { uri, authorityFile } = requireServer(env, 'REDIS_ADMIN_URI');
    const options = { uri, authorityFile, signal, log, passwordOf };
    changes += await retryWhileUnreachable(() => provisionRedis(redis, options), { what: 'Redis', signal, log });
  }
  if (input.nats) {
    const { nats } = input;
    const { reloadNats } = await import('./nats.ts');
    changes += await reloadNats(nats, { uri: requireServer(env, 'NATS_ADMIN_URI').uri, signal, log });
  }
  return { changes };
}

async function readPassword({ name, passwordFile, passwordEnv }: PasswordSource, env: JobEnv): Promise<string> {
  if (passwordEnv) {
    const value = env[passwordEnv];
    if (!value) throw new JobError('SecretMissing', `the password of ${name} is missing: ${passwordEnv} is not set`);
    return value;
  }
  const file = passwordFile ?? join(PASSWORD_DIR, name);
  try {
    const password = (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
    if (password) return password;
  } catch (error) {
    throw new JobError('SecretMissing', `the password of ${name} is missing: ${messageOf(error)}`, { cause: error });
  }
  throw new JobError('SecretMissing', `the password of ${name} is missing: ${file} is empty`);
}
