/** Connections to Redis, for the length of one piece of work. */
import { readFile } from 'node:fs/promises';
import { createClient, ErrorReply } from '@redis/client';
import { JobError, messageOf } from './failures.ts';

export type Redis = ReturnType<typeof newClient>;

const ANSWER_MS = 10_000;

export interface RedisServer {
  uri: string;
  /** File with the certificate of the server's authority, where it has one of its own. */
  authorityFile?: string | undefined;
  signal: AbortSignal;
}

/** Runs `work` on a connection of its own. What keeps it from logging in is a JobError; a connection that ends meanwhile is `Unreachable`. */
export async function withRedis<T>(
  { uri, authorityFile, signal }: RedisServer,
  work: (redis: Redis) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const client = newClient(uri, authorityFile && (await readFile(authorityFile, 'utf8')));
  // Rejections tell it too; without a listener it would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw connectionFailure(error);
  } finally {
    client.destroy();
  }
}

function newClient(url: string, authority: string | undefined) {
  const socket = { connectTimeout: ANSWER_MS, reconnectStrategy: false as const };
  const isEncrypted = url.startsWith('rediss:');
  return createClient({
    url,
    name: 'orderplane-job',
    socket: isEncrypted && authority ? { ...socket, tls: true as const, ca: authority } : socket,
  });
}

function connectionFailure(error: unknown): unknown {
  if (error instanceof ErrorReply) {
    if (/^(WRONGPASS|NOAUTH|ERR AUTH)/.test(error.message))
      return new JobError('AuthenticationFailed', error.message, { cause: error });
    if (/^(LOADING|MASTERDOWN|READONLY)/.test(error.message))
      return new JobError('Unreachable', error.message, { cause: error });
    return error;
  }
  if (error instanceof Error && /closed|timeout|offline/i.test(`${error.name} ${error.message}`))
    return new JobError('Unreachable', messageOf(error), { cause: error });
  return error;
}
