/** Logins through the service, with its store in Postgres and in Redis, and what this machine does of argon2id with nothing around it. */
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { UsersService } from '@orderplane/contracts/gen/orderplane/users/v1/users_pb.js';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { startRedis } from '@orderplane/hack/testing/redis.ts';
import { temporaryFolder } from '@orderplane/hack/testing/temporary-folder.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { grpcClient } from '@orderplane/shared/grpc/client.ts';
import { createPool } from '@orderplane/shared/postgres.ts';
import { hashPassword } from '@orderplane/users/passwords/argon2id.ts';
import { migrate } from '@orderplane/users/testing.ts';
import type { Client } from '@orderplane/shared/grpc/methods.ts';
import { figureLine, latencyLine } from './figures.ts';
import { startService } from './service-process.ts';

const RUN_MS = 8000;
const CLIENTS = 16;
const PASSWORD = 'correct horse';

export async function benchLogins(): Promise<void> {
  // As durable as in a platform.
  const [postgres, redis] = await Promise.all([startPostgres({ fsync: true }), startRedis()]);
  try {
    const pool = createPool({ uri: postgres.uri, name: 'bench', log: createLogger('bench', 'silent') });
    await migrate(pool);
    await pool.end();
    for (const [place, env] of [
      ['Postgres', {}],
      ['Redis', { REDIS_URI: redis.uri }],
    ] as const) {
      const bare = await perSecond(availableParallelism(), () => hashPassword(PASSWORD), ownCpuMs);
      console.log(
        figureLine(
          'argon2id alone, on every core',
          `${bare.rate.toFixed(0)}/s, ${bare.cpuMs.toFixed(1)} ms of a core each`,
        ),
      );
      await withUsers({ POSTGRES_URI: postgres.uri, ...env }, (users) => measure(place, users, bare.rate));
    }
  } finally {
    await Promise.all([postgres.stop(), redis.stop()]);
  }
}

interface Users {
  readonly client: Client<typeof UsersService>;
  /** Processor time that the service has used so far. */
  cpuMs(): Promise<number>;
}

async function measure(place: string, { client, cpuMs }: Users, ceiling: number): Promise<void> {
  const emails = Array.from({ length: CLIENTS }, () => `${randomUUID()}@example.com`);
  const tokens = await Promise.all(
    emails.map(
      async (email) => (await client.register({ email, password: PASSWORD, name: 'Ann' })).tokens!.refreshToken,
    ),
  );
  const logIn = (index: number) => client.login({ email: emails[index]!, password: PASSWORD });
  const logins = await perSecond(CLIENTS, logIn, cpuMs);
  const share = `${logins.rate.toFixed(0)}/s, ${((100 * logins.rate) / ceiling).toFixed(0)} % of argon2id alone, ${logins.cpuMs.toFixed(1)} ms of a core each`;
  console.log(figureLine(`logins, kept in ${place}`, share));
  console.log(latencyLine(`login, ${CLIENTS} at once`, logins.milliseconds));
  const exchange = async (index: number) => {
    tokens[index] = (await client.refresh({ refreshToken: tokens[index]! })).tokens!.refreshToken;
  };
  const refreshes = await perSecond(CLIENTS, exchange, cpuMs);
  const cost = `${refreshes.rate.toFixed(0)}/s, ${refreshes.cpuMs.toFixed(1)} ms of a core each`;
  console.log(figureLine(`refreshes, kept in ${place}`, cost));
  console.log(latencyLine(`refresh, ${CLIENTS} at once`, refreshes.milliseconds));
}

/** Does the work again and again, by so many at once. */
async function perSecond(
  atOnce: number,
  work: (index: number) => Promise<unknown>,
  usedCpuMs: () => number | Promise<number>,
) {
  const milliseconds: number[] = [];
  const cpuBefore = await usedCpuMs();
  const started = performance.now();
  const worker = async (_: unknown, index: number) => {
    while (performance.now() - started < RUN_MS) {
      const begun = performance.now();
      await work(index);
      milliseconds.push(performance.now() - begun);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const rate = (1000 * milliseconds.length) / (performance.now() - started);
  return { rate, milliseconds, cpuMs: ((await usedCpuMs()) - cpuBefore) / milliseconds.length };
}

async function withUsers(env: Record<string, string>, work: (users: Users) => Promise<void>): Promise<void> {
  const folder = await temporaryFolder('orderplane-logins-');
  try {
    const users = await startService('users', {
      folder: folder.path,
      env: { ...env, IDENTITY_SECRET: randomUUID(), LOG_LEVEL: 'WARN' },
    });
    try {
      const client = grpcClient(UsersService, { service: 'users', url: users.url, timeoutMs: 10_000 });
      await work({ client, cpuMs: async () => 1000 * (await users.cpuSeconds()) });
    } finally {
      await users.stop();
    }
  } finally {
    await folder.remove();
  }
}

function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
