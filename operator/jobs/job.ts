import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { z } from 'zod';
import { withAuthority } from '../resources/authority.ts';
import { createLogger, type Log, type LogLevel } from '../runtime/log.ts';
import { DEFAULT_INPUT_FILE, DEFAULT_RESULT_FILE, type JobFailure, type JobResult } from './contract.ts';
import { JobError, messageOf } from './failures.ts';
import { fitResult } from './result.ts';
import { createSecrets, passwordOf, type Secrets } from './secrets.ts';

export type JobEnv = Readonly<Record<string, string | undefined>>;

export interface JobContext<I> {
  input: I;
  env: JobEnv;
  signal: AbortSignal;
  log: Log;
  secrets: Secrets;
  /** Notes what is done and stays so, for a result that tells of a failure after it. */
  noteDone(done: Done): void;
}

type Done = Pick<JobFailure, 'datasets'>;

export interface Job<I, R extends object> {
  name: string;
  input: z.ZodType<I>;
  run: (context: JobContext<I>) => Promise<R>;
}

/**
 * Runs a Job from its input file to its result file. Never throws: whatever goes wrong is a result with `ok: false`.
 * Passwords are masked in the result and in every log line.
 */
export async function runJob<I, R extends object>(
  job: Job<I, R>,
  env: JobEnv,
  signal: AbortSignal,
): Promise<JobResult<R>> {
  const secrets = createSecrets();
  for (const value of Object.values(env)) if (value?.includes('://')) secrets.add(passwordOf(value));
  const log = createLogger({
    level: (env.LOG_LEVEL?.toLowerCase() ?? 'info') as LogLevel,
    destination: { write: (line) => void process.stdout.write(secrets.mask(line)) },
  }).child({ job: job.name });

  let result: JobResult<R>;
  let done: Done = {};
  const noteDone = (what: Done): void => void (done = what);
  try {
    const input = await readInput(job.input, env.ORDERPLANE_INPUT ?? DEFAULT_INPUT_FILE);
    log.info('started');
    result = { ok: true, ...(await job.run({ input, env, signal, log, secrets, noteDone })) };
  } catch (error) {
    result = { ...toFailure(error, signal), ...done };
  }
  log[result.ok ? 'info' : 'error']({ result }, result.ok ? 'finished' : result.message);
  await writeResult(fitResult(result, secrets.mask), env.ORDERPLANE_RESULT, log);
  return result;
}

/** The value of an environment variable that the Job cannot do without. */
export function requireEnv(env: JobEnv, name: string): string {
  const value = env[name];
  if (!value)
    throw new JobError('SecretMissing', `${name} is not set: it holds the connection URI of an administrator`);
  return value;
}

/** The URI of a server, which trusts the server's own authority where there is one in the file that is named beside it. */
export function requireServer(env: JobEnv, variable: string): { uri: string; authorityFile: string | undefined } {
  const uri = requireEnv(env, variable).trim();
  const named = env[variable.replace(/URI$/, 'CA_FILE')];
  const authorityFile = named && existsSync(named) ? named : undefined;
  return { uri: authorityFile ? withAuthority(uri, authorityFile) : uri, authorityFile };
}

async function readInput<I>(schema: z.ZodType<I>, file: string): Promise<I> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new JobError('InvalidInput', `cannot read the input ${file}: ${messageOf(error)}`, { cause: error });
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'input'}: ${issue.message}`);
  throw new JobError('InvalidInput', `the input ${file} is not valid: ${issues.join('; ')}`);
}

function toFailure(error: unknown, signal: AbortSignal): JobFailure {
  if (error instanceof JobError) {
    const { reason, message, hop, plan } = error;
    return { ok: false, reason, message, ...(hop && { hop }), ...(plan && { plan }) };
  }
  if (signal.aborted)
    return { ok: false, reason: 'Interrupted', message: 'stopped before the end; it is safe to run again' };
  return { ok: false, reason: 'Failed', message: messageOf(error) };
}

async function writeResult(text: string, file: string | undefined, log: Log): Promise<void> {
  try {
    await writeFile(file ?? DEFAULT_RESULT_FILE, text);
  } catch (error) {
    // Outside a pod there is no termination log, and the result was logged above.
    if (file !== undefined) log.error({ file, error: messageOf(error) }, 'cannot write the result');
  }
}
