import { readFile } from 'node:fs/promises';
import { UsersService } from '@orderplane/contracts/gen/orderplane/users/v1/users_pb.js';
import { grpcClient } from '@orderplane/shared/grpc/client.ts';
import { type RunningService, startService } from '@orderplane/shared/service.ts';
import type { Pool } from '@orderplane/shared/postgres.ts';
import { users } from './app.ts';

export const SECRET = 'a secret of more than 32 characters';

/** The service on ports of its own, in this process, and a client of it. */
export async function startUsers(env: { POSTGRES_URI: string; REDIS_URI?: string; ACCESS_TOKEN_TTL?: string }) {
  const running: RunningService = await startService(users, {
    IDENTITY_SECRET: SECRET,
    PORT: '0',
    MANAGEMENT_PORT: '0',
    DRAIN_DELAY_MS: '0',
    LOG_LEVEL: 'FATAL',
    ...env,
  });
  const url = `http://127.0.0.1:${running.port}`;
  return { ...running, client: grpcClient(UsersService, { service: 'users', url, timeoutMs: 20_000 }) };
}

export async function migrate(pool: Pool): Promise<void> {
  await pool.query(await readFile(new URL('migrations/0001_users.up.sql', import.meta.url), 'utf8'));
}
