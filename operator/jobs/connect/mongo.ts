import { withMongo } from '../mongo.ts';
import type { Login } from './index.ts';

export function loginToMongo({ uri, signal }: Login): Promise<void> {
  return withMongo({ uri, appName: 'orderplane-connect', signal }, async (client) => {
    await client.db().command({ ping: 1 });
  });
}
