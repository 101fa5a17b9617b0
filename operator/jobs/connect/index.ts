import { connectInput, type ConnectInput, type ConnectResult, type JobResult } from '../contract.ts';
import { codeOf, JobError, messageOf } from '../failures.ts';
import { requireServer, runJob, type JobContext, type JobEnv } from '../job.ts';
import { retryWhileUnreachable } from '../unreachable.ts';

/** A server that restarts is waited for; one that is not there is told of soon. */
const PATIENCE_MS = 5_000;
/** So long no driver waits for a connection. */
const LONGEST_CONNECT_MS = 15_000;

export interface Login {
  uri: string;
  /** File with the certificate of the server's authority, where it has one of its own. */
  authorityFile: string | undefined;
  /** `namespace/name` of the platform that a broker is taken for. */
  platform: string | undefined;
  signal: AbortSignal;
}

/** Finds whether a store or broker that is not ours can be used: every login connects and asks it for something. */
export function runConnect(env: JobEnv, signal: AbortSignal): Promise<JobResult<ConnectResult>> {
  return runJob({ name: 'connect', input: connectInput, run: connect }, env, signal);
}

async function connect({ input, env, signal, log }: JobContext<ConnectInput>): Promise<ConnectResult> {
  const tryLogin = await loadLogin(input.backend);
  for (const { who, secret, variable } of input.logins) {
    const { uri, authorityFile } = requireServer(env, variable);
    const what = `${TITLES[input.backend]} at ${hostsOf(uri)}`;
    const attempt = () =>
      tryLogin({ uri, authorityFile, platform: input.platform, signal }).catch((error: unknown) => {
        throw loginFailure(error, { what, who, secret });
      });
    await retryWhileUnreachable(attempt, { what, signal, log, forMs: PATIENCE_MS, connectMs: LONGEST_CONNECT_MS });
    log.info(`${who} can log in`);
  }
  return { logins: input.logins.length };
}

const TITLES = { postgres: 'Postgres', mongo: 'MongoDB', redis: 'Redis', nats: 'NATS' } as const;

async function loadLogin(backend: ConnectInput['backend']): Promise<(login: Login) => Promise<void>> {
  switch (backend) {
    case 'postgres':
      return (await import('./postgres.ts')).loginToPostgres;
    case 'mongo':
      return (await import('./mongo.ts')).loginToMongo;
    case 'redis':
      return (await import('./redis.ts')).loginToRedis;
    case 'nats':
      return (await import('./nats.ts')).loginToNats;
  }
}

/** What stands between `//` and the path, without the login. */
function hostsOf(uri: string): string {
  return /^[^:]+:\/\/(?:[^@/?]*@)?([^/?]*)/.exec(uri)?.[1] ?? 'an unknown address';
}

const TLS_FAULTS = /certificate|self.signed|SSL|TLS|ERR_TLS|wrong version number|altnames/i;

/** Drivers wrap what went wrong: the innermost of it says most. */
function innermost(error: unknown): unknown {
  for (let depth = 0; depth < 8; depth++) {
    const cause = error instanceof AggregateError ? error.errors[0] : (error as { cause?: unknown } | undefined)?.cause;
    if (!(cause instanceof Error)) break;
    error = cause;
  }
  return error;
}

function loginFailure(error: unknown, { what, who, secret }: { what: string; who: string; secret: string }): unknown {
  if (error instanceof JobError && error.reason === 'AuthenticationFailed') {
    return new JobError(
      'AuthenticationFailed',
      `${what} refuses the login of ${who}: correct the uri in Secret ${secret}`,
      { cause: error },
    );
  }
  const cause = innermost(error);
  const words = `${codeOf(cause) ?? ''} ${messageOf(cause)}`;
  if (TLS_FAULTS.test(words)) {
    const remedy = `the key ca.crt of Secret ${secret} is to hold the certificate of its authority`;
    return new JobError('TlsFailed', `${what} cannot be trusted: ${messageOf(cause)} (${remedy})`, { cause: error });
  }
  return error;
}
