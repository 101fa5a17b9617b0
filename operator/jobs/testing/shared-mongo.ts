import { afterAll } from '@jest/globals';
import { startMongo } from '@orderplane/hack/testing/mongo.ts';
import { MongoClient, type Db } from 'mongodb';

export interface SharedMongo {
  uri: string;
  /** A database that nobody has used yet. */
  newDatabase(): Db;
}

/** A MongoDB that the tests of a file share: it stops after the last of them. */
export async function sharedMongo(): Promise<SharedMongo> {
  const server = await startMongo();
  const client = await new MongoClient(server.uri).connect();
  afterAll(async () => {
    await client.close();
    await server.stop();
  });
  let databases = 0;
  return { uri: server.uri, newDatabase: () => client.db(`db${++databases}`) };
}
