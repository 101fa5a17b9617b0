import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../runtime/log.ts';
import { codeOf, JobError, messageOf } from './failures.ts';

/** Codes that mean "the server is not there (yet), or went away": nothing is wrong with what was asked. */
const UNREACHABLE_CODES: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  // Postgres: starting up, shutting down, crashed, too many connections, connection failures
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '08000',
  '08001',
  '08003',
  '08006',
  // MongoDB: primary stepped down, not primary, shutdown in progress, interrupted at shutdown
  189,
  10107,
  91,
  11600,
]);
const UNREACHABLE_MESSAGES =
  /Connection terminated|connection timeout|timeout expired|Client has encountered a connection error/i;
const UNREACHABLE_NAMES: ReadonlySet<string> = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoPoolClearedError',
  'PoolClearedOnNetworkError',
  'MongoServerSelectionError',
  'MongoTopologyClosedError',
  'MongoNotConnectedError',
]);

export function isUnreachable(error: unknown): boolean {
  if (error instanceof JobError) return error.reason === 'Unreachable';
  if (UNREACHABLE_CODES.has(codeOf(error))) return true;
  return error instanceof Error && (UNREACHABLE_NAMES.has(error.name) || UNREACHABLE_MESSAGES.test(error.message));
}

const FIRST_PAUSE_MS = 200;
const LAST_PAUSE_MS = 3_000;
/** How often an attempt may lose a server that it had for a while: one that dies of what is asked of it would come to an end at some time. */
const LOSSES = 5;

/**
 * Runs `attempt` again while its server cannot be reached, for `forMs` at most: that is counted from when it was lost, and not from when the work
 * began, which may take any time: an attempt that took longer than `connectMs` had a connection. The work must be safe to repeat after a lost answer: everything that the Jobs do is.
 */
export async function retryWhileUnreachable<T>(
  attempt: () => Promise<T>,
  options: { what: string; signal: AbortSignal; log: Log; forMs?: number; connectMs?: number },
): Promise<T> {
  const { what, signal, log, forMs = 60_000, connectMs = forMs / 3 } = options;
  let [lostAt, losses, pauseMs] = [Date.now(), 0, FIRST_PAUSE_MS];
  for (;;) {
    const startedAt = Date.now();
    try {
      return await attempt();
    } catch (error) {
      if (!isUnreachable(error) || signal.aborted) throw error;
      const hadConnection = Date.now() - startedAt > connectMs;
      if (hadConnection && losses++ < LOSSES) [lostAt, pauseMs] = [Date.now(), FIRST_PAUSE_MS];
      const message = `${what} cannot be reached: ${messageOf(error)}`;
      if (Date.now() - lostAt + pauseMs > forMs) throw new JobError('Unreachable', message, { cause: error });
      log.warn({ retryInMs: Math.round(pauseMs) }, message);
      await delay(pauseMs, undefined, { signal });
      pauseMs = Math.min(pauseMs * 1.6, LAST_PAUSE_MS);
    }
  }
}
