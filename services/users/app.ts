import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { UsersService } from '@orderplane/contracts/gen/orderplane/users/v1/users_pb.js';
import { serveGrpc } from '@orderplane/shared/grpc/server.ts';
import { createPool, type Pool, query } from '@orderplane/shared/postgres.ts';
import { defineService, type ServiceContext } from '@orderplane/shared/service.ts';
import { startSweeper } from '@orderplane/shared/sweeper.ts';
import { Counter } from 'prom-client';
import type * as z from 'zod';
import { type Account, postgresAccountStore, rolesOf } from './accounts/account-store.ts';
import { logIn } from './accounts/log-in.ts';
import { findProfile, updateProfile } from './accounts/profile.ts';
import { type LoggedIn, register } from './accounts/register.ts';
import { usersConfig } from './config.ts';
import { accessTokens } from './keys/access-token.ts';
import { identitySecret } from './keys/secret.ts';
import { openSigningKeys } from './keys/signing-keys.ts';
import { createPasswords } from './passwords/passwords.ts';
import { type IssuedTokens, type LoginDeps, logOut, refresh } from './sessions/logins.ts';
import { postgresSessionStore } from './sessions/postgres-session-store.ts';
import { redisSessionStore } from './sessions/redis-session-store.ts';
import type { SessionStore } from './sessions/session-store.ts';

type Context = ServiceContext<z.infer<typeof usersConfig>>;

const SWEEP_EVERY_MS = 10 * 60_000;
const now = () => new Date();

export const users = defineService({
  name: 'users',
  config: usersConfig,
  async start(context) {
    const { config, log, metrics, name, readiness } = context;
    const pool = createPool({ uri: config.POSTGRES_URI, name, log });
    context.onStop(() => pool.end());
    readiness.add({ name: 'postgres', critical: true, run: async () => void (await query(pool, 'select 1')) });

    const secret = identitySecret(config.IDENTITY_SECRET);
    const tokenTtlMs = config.ACCESS_TOKEN_TTL;
    const keys = openSigningKeys({ pool, secret, rotationMs: config.KEY_ROTATION, tokenTtlMs, now, log });
    context.onStop(() => keys.stop());

    const accounts = postgresAccountStore(pool);
    const passwords = createPasswords(metrics);
    const sessions = await openSessions(context, pool);
    const counter = (counterName: string, help: string) =>
      new Counter({ name: counterName, help, labelNames: ['outcome'], registers: [metrics] });
    const logins: LoginDeps = {
      store: sessions,
      accounts,
      accessTokens: accessTokens(keys, tokenTtlMs, now),
      refreshTokenKey: secret.refreshTokenKey,
      refreshTokenTtlMs: config.REFRESH_TOKEN_TTL,
      refreshes: counter('refreshes_total', 'Refresh tokens that came, by what became of them.'),
      now,
      log,
    };
    const registrations = counter('registrations_total', 'Registrations, by what became of them.');
    const attempts = counter('logins_total', 'Logins that were tried, by what became of them.');

    return serveGrpc(context, config.PORT, (router) =>
      router.service(UsersService, {
        register: async (request, { signal }) =>
          loggedIn(await register({ accounts, passwords, logins, registrations, now }, request, signal)),
        login: async (request, { signal }) =>
          loggedIn(await logIn({ accounts, passwords, logins, attempts }, request, signal)),
        refresh: async ({ refreshToken }) => ({ tokens: tokensMessage(await refresh(logins, refreshToken)) }),
        async logout({ refreshToken }) {
          await logOut(logins, refreshToken);
          return {};
        },
        getProfile: async ({ userId }) => ({ user: userMessage(await findProfile({ accounts }, userId)) }),
        updateProfile: async (request, { signal }) => ({
          user: userMessage(await updateProfile({ accounts, passwords, sessions, log }, request, signal)),
        }),
        getSigningKeys: async () => ({ jwks: JSON.stringify(await keys.published()) }),
      }),
    );
  },
});

/** In Redis where there is one, in Postgres otherwise. */
async function openSessions({ config, log, name, readiness, onStop }: Context, pool: Pool): Promise<SessionStore> {
  if (config.REDIS_URI === undefined) {
    const store = postgresSessionStore(pool);
    const sweeper = startSweeper({
      subject: 'removing sessions that have expired',
      sweep: async () => (await store.sweep(now())) > 0,
      everyMs: SWEEP_EVERY_MS,
      log,
    });
    onStop(() => sweeper.stop());
    return store;
  }
  // A service without it does not pay for its client's code.
  const { openRedis } = await import('@orderplane/shared/redis.ts');
  const redis = await openRedis({ uri: config.REDIS_URI, name, log });
  onStop(() => redis.close());
  // Without it nobody logs in, but the keys by which everybody else is known are still told.
  readiness.add({ name: 'redis', critical: false, run: () => redis.check() });
  return redisSessionStore(redis);
}

function loggedIn({ account, tokens }: LoggedIn) {
  return { user: userMessage(account), tokens: tokensMessage(tokens) };
}

function userMessage(account: Account) {
  const { id, email, name, createdAt } = account;
  return { id, email, name, roles: rolesOf(account), createdAt: timestampFromDate(createdAt) };
}

function tokensMessage(tokens: IssuedTokens) {
  return {
    accessToken: tokens.accessToken,
    accessTokenExpiresIn: Math.floor(tokens.accessTokenTtlMs / 1000),
    refreshToken: tokens.refreshToken,
    refreshTokenExpiresIn: Math.floor(tokens.refreshTokenTtlMs / 1000),
  };
}
