/** Connections of the Jobs to MongoDB, as an administrator. */
import type { MongoClient } from 'mongodb';
import { codeOf, JobError, messageOf } from './failures.ts';

/** MongoDB's error codes that the Jobs tell apart. */
export const MONGO = {
  authenticationFailed: 18,
  namespaceNotFound: 26,
  indexNotFound: 27,
  namespaceExists: 48,
  duplicateKey: 11000,
  userExists: 51003,
} as const;

/** Runs `use` on one client and closes it; when `signal` aborts, its connections are cut. */
export async function withMongo<T>(
  options: { uri: string; appName: string; signal: AbortSignal },
  use: (client: MongoClient) => Promise<T>,
): Promise<T> {
  const { MongoClient: Mongo } = (await import('mongodb')).default;
  options.signal.throwIfAborted();
  const client = new Mongo(options.uri, {
    appName: options.appName.slice(0, 128),
    serverSelectionTimeoutMS: 10_000,
    connectTimeoutMS: 10_000,
  });
  const cut = (): void => void client.close();
  options.signal.addEventListener('abort', cut, { once: true });
  try {
    await client.connect().catch((error: unknown) => {
      if (codeOf(error) !== MONGO.authenticationFailed) throw error;
      throw new JobError(
        'AuthenticationFailed',
        `MongoDB refuses the administrator's credentials: ${messageOf(error)}`,
        { cause: error },
      );
    });
    return await use(client);
  } finally {
    options.signal.removeEventListener('abort', cut);
    await client.close().catch(() => {});
  }
}
