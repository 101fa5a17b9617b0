import type { AddressInfo } from 'node:net';
import { RELEASE } from '@orderplane/contracts/release.ts';
import { defineService, type ServiceContext } from '@orderplane/shared/service.ts';
import type { Logger } from '@orderplane/shared/log.ts';
import { authenticateWith } from './access/authenticate.ts';
import { signingKeys } from './access/signing-keys.ts';
import { type GatewayConfig, gatewayConfig } from './config.ts';
import { serveGraphQL } from './graphql/plugin.ts';
import { httpServer, refuseOtherMethods } from './http.ts';
import { limits as limitsWith } from './limits/plugin.ts';
import { memoryBuckets, type TakeToken } from './limits/rate-limit.ts';
import { serveDocs } from './rest/docs.ts';
import { serveRest } from './rest/plugin.ts';
import { restRoutes } from './rest/routes.ts';
import { shop as shopOn } from './shop.ts';
import { connectUpstreams, type Upstreams } from './upstreams.ts';

export const gateway = defineService({
  name: 'gateway',
  config: gatewayConfig,
  async start(context) {
    const { name, config, log, metrics, tracing, readiness } = context;
    const app = await httpServer({
      log,
      metrics,
      tracing,
      trustedProxies: config.TRUSTED_PROXIES,
      isDraining: readiness.isDraining,
    });
    context.onStop(() => app.close());
    const upstreams = connectUpstreams(config);
    const limits = limitsWith({
      take: await bucketsOf(context),
      perMinute: config.RATE_LIMIT_PER_MINUTE,
      authPerMinute: config.AUTH_RATE_LIMIT_PER_MINUTE,
    });
    app.addHook('onRequest', limits.ofAddress);
    const authenticate = authenticateWith({
      keys: keysOf(upstreams, log),
      operatorKey: config.VERIFICATION_KEY,
      now: () => new Date(),
    });
    const shop = shopOn({ ...upstreams, anonymousOrders: config.ANONYMOUS_ORDERS });
    const routes = restRoutes(upstreams, shop, log);

    const console = config.PROFILE === 'dev' ? { graphiql: '/graphiql' } : {};
    const links = { api: '/api/v1', docs: '/docs', graphql: '/graphql', ...console };
    app.get('/', () => ({ name, version: RELEASE, links }));
    refuseOtherMethods(app, '/', ['GET']);
    serveRest(app, { routes, authenticate, shop, limits });
    serveDocs(app, routes);
    // Answers even while a service behind it is away: with an error that names it. So it is ready by itself.
    serveGraphQL(app, { profile: config.PROFILE, upstreams, shop, authenticate, limits, log, metrics });
    await app.listen({ host: '0.0.0.0', port: config.PORT });
    return { port: (app.server.address() as AddressInfo).port };
  },
});

function keysOf({ users }: Upstreams, log: Logger) {
  if (!users) return undefined;
  const fetchKeys = async () => (await users.getSigningKeys({}, { timeoutMs: 2000 })).jwks;
  return signingKeys({ fetchKeys, now: () => performance.now(), log });
}

/** The client of Redis is loaded where there is one: elsewhere it would only be memory. */
async function bucketsOf({ name, config, log, onStop }: ServiceContext<GatewayConfig>): Promise<TakeToken> {
  const fallback = memoryBuckets({ now: () => performance.now() });
  if (config.REDIS_URI === undefined) return fallback;
  const { openRedis } = await import('@orderplane/shared/redis.ts');
  const { redisBuckets } = await import('./limits/redis-buckets.ts');
  const redis = await openRedis({ uri: config.REDIS_URI, name, log });
  onStop(() => redis.close());
  return redisBuckets({ redis, fallback, log });
}
