import {
  ClientClosedError,
  ClientOfflineError,
  ConnectionTimeoutError,
  DisconnectsClientError,
  ErrorReply,
  RedisClient as BareClient,
  SocketClosedUnexpectedlyError,
} from '@redis/client';
import { backoffMs } from './backoff.ts';
import { CodedError } from './errors.ts';
import { type Logger, troubleLog } from './log.ts';
import { inSpan, type SpanOptions } from './telemetry/span.ts';

type Connection = ReturnType<typeof newConnection>;

export interface RedisClient {
  /** A command by its words. */
  command(...words: readonly string[]): Promise<unknown>;
  eval(
    script: string,
    input: { readonly keys: readonly string[]; readonly arguments: readonly string[] },
  ): Promise<unknown>;
}

export interface Redis {
  /** Runs commands; fails with SERVICE_UNAVAILABLE when Redis is away or does not answer. What was sent may then have been done all the same. */
  run<T>(commands: (client: RedisClient) => Promise<T>): Promise<T>;
  /** Rejects when Redis is not there. */
  check(): Promise<void>;
  close(): Promise<void>;
}

const ANSWER_WITHIN_MS = 2000;
const RECONNECT = { firstMs: 50, maxMs: 1000 };

class Silence extends Error {
  override readonly message = `redis did not answer within ${ANSWER_WITHIN_MS} ms`;
}

/**
 * A connection that outlives its server: it is made anew for as long as it takes, and nothing waits for it in a queue meanwhile. One
 * on which an answer stays away is given up, since its other end may have vanished without a word. Resolves after the first attempt, whether
 * or not that succeeded.
 */
export async function openRedis({ uri, name, log }: { uri: string; name: string; log: Logger }): Promise<Redis> {
  const { trouble, fine } = troubleLog(log, 'redis');
  const connect = () => {
    const client = newConnection(uri, name);
    client.on('error', trouble).on('ready', fine);
    // It fails only when it is closed first: a server that is away is tried again, and told of as an error.
    client.connect().catch(() => undefined);
    return client;
  };
  let current = connect();
  const attempted = Promise.withResolvers<void>();
  current.once('ready', attempted.resolve).once('error', () => attempted.resolve());
  await attempted.promise;
  const giveUp = (client: Connection) => {
    if (client !== current) return;
    current = connect();
    client.destroy();
  };
  const run: Redis['run'] = async (commands) => {
    const client = current;
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new Silence());
        giveUp(client);
      }, ANSWER_WITHIN_MS);
    });
    try {
      return await Promise.race([commands(clientOf(client)), silence]);
    } catch (error) {
      if (isUnavailability(error)) throw new CodedError('SERVICE_UNAVAILABLE', { cause: error });
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
  return {
    run,
    check: async () => void (await run((client) => client.command('PING'))),
    close: async () => current.destroy(),
  };
}

/** The bare class: createClient adds a method for each of Redis's commands, which takes 20 MiB. */
function newConnection(url: string, name: string) {
  const reconnectStrategy = (retries: number) => backoffMs(RECONNECT, retries + 1);
  return new BareClient({
    url,
    name,
    disableOfflineQueue: true,
    socket: { connectTimeout: ANSWER_WITHIN_MS, reconnectStrategy },
  });
}

function clientOf(connection: Connection): RedisClient {
  const command = (...words: readonly string[]) =>
    inSpan(redisSpan(words[0] ?? ''), () => connection.sendCommand<unknown>(words));
  return {
    command,
    eval: (script, { keys, arguments: values }) => command('EVAL', script, String(keys.length), ...keys, ...values),
  };
}

function redisSpan(operation: string): SpanOptions {
  const attributes = { 'db.system.name': 'redis', 'db.operation.name': operation };
  return { name: `redis ${operation.toLowerCase()}`, kind: 'client', attributes };
}

/** It starts, has no memory or disk left, is no master any more, or has just changed the password. */
const REFUSED_FOR_NOW = /^(?:LOADING|OOM|MISCONF|READONLY|MASTERDOWN|TRYAGAIN|NOAUTH|WRONGPASS)/;
const DISCONNECTED = [
  ClientClosedError,
  ClientOfflineError,
  ConnectionTimeoutError,
  DisconnectsClientError,
  SocketClosedUnexpectedlyError,
  Silence,
];

function isUnavailability(error: unknown): boolean {
  if (error instanceof ErrorReply) return REFUSED_FOR_NOW.test(error.message);
  if (DISCONNECTED.some((kind) => error instanceof kind)) return true;
  return Error.isError(error) && 'syscall' in error;
}
