import { withPostgres } from '../postgres.ts';
import type { Login } from './index.ts';

export function loginToPostgres({ uri, signal }: Login): Promise<void> {
  return withPostgres({ uri, applicationName: 'orderplane-connect', signal }, async (client) => {
    await client.query('SELECT 1');
  });
}
