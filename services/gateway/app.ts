import type { AddressInfo } from 'node:net';
import { RELEASE } from '@orderplane/contracts/release.ts';
import { defineService } from '@orderplane/shared/service.ts';
import { gatewayConfig } from './config.ts';
import { graphql } from './graphql/plugin.ts';
import { httpServer } from './http.ts';
import { connectUpstreams } from './upstreams.ts';

export const gateway = defineService({
  name: 'gateway',
  config: gatewayConfig,
  async start(context) {
    const { name, config, log, metrics } = context;
    const app = await httpServer(log, metrics);
    context.onStop(() => app.close());
    const links = { graphql: '/graphql', ...(config.PROFILE === 'dev' ? { graphiql: '/graphiql' } : {}) };
    app.get('/', () => ({ name, version: RELEASE, links }));
    // Answers even while a service behind it is away: with an error that names it. So it is ready by itself.
    await graphql(app, { config, upstreams: connectUpstreams(config), log });
    await app.listen({ host: '0.0.0.0', port: config.PORT });
    return { port: (app.server.address() as AddressInfo).port };
  },
});
