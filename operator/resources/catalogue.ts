/** What the services of this release are made of. A service of the user's own differs from these only in bringing its own image. */
import { ORDER_TOPICS } from '@orderplane/contracts/topics.ts';
import { RELEASE_SERVICES, type Need, type ReleaseService, type Requirement } from '../api/v1alpha1/index.ts';
import type { ImageName } from './images.ts';
import type { StoreName } from './names.ts';
import { PORTS } from './ports.ts';

export interface CatalogueEntry {
  image: ImageName;
  /** Instead of the image's own entrypoint. */
  command?: string[];
  port: number;
  portName: 'http' | 'grpc';
  /** Where /livez, /readyz and /metrics are, if not on `port`. */
  managementPort?: number;
  probes: { live: string; ready: string };
  /** Paths that it serves to the outside, where the platform is exposed. */
  routes?: string[];
  needs: Need[];
  requires?: Requirement[];
  /** Migrations in the image, at /app/<service>/migrations: the operator makes a Migration of them, and the service waits for it. */
  migrations?: { engine: StoreName; database: string };
  /** Whether it checks the token of the verify Job. */
  checksVerification?: boolean;
  /** Variables with `{platform}` for the platform's name; the user's own win. */
  env?: Record<string, string>;
}

const database = { postgres: (name: string): Need => ({ postgres: { database: name, access: 'ReadWrite' } }) };
const service = (name: ReleaseService): Need => ({ service: { name } });
const node = (name: ReleaseService) => ({
  image: 'services' as const,
  command: ['node', `/app/${name}/server.mjs`],
  managementPort: PORTS.management,
  probes: { live: '/livez', ready: '/readyz' },
});

const CATALOGUE: Readonly<Record<ReleaseService, CatalogueEntry>> = {
  gateway: {
    ...node('gateway'),
    port: PORTS.gateway,
    portName: 'http',
    routes: ['/api', '/docs', '/graphql'],
    needs: [service('inventory'), service('orders'), service('order-query')],
    checksVerification: true,
  },
  inventory: {
    ...node('inventory'),
    port: PORTS.inventory,
    portName: 'grpc',
    needs: [database.postgres('inventory')],
    migrations: { engine: 'postgres', database: 'inventory' },
  },
  orders: {
    ...node('orders'),
    port: PORTS.orders,
    portName: 'grpc',
    needs: [database.postgres('orders'), { broker: { publish: [...ORDER_TOPICS], consume: [] } }, service('inventory')],
    migrations: { engine: 'postgres', database: 'orders' },
  },
  'order-query': {
    ...node('order-query'),
    port: PORTS.orderQuery,
    portName: 'grpc',
    needs: [{ mongo: { database: 'app' } }, { broker: { publish: [], consume: [...ORDER_TOPICS] } }],
    migrations: { engine: 'mongo', database: 'app' },
  },
  storefront: {
    image: 'storefront',
    port: PORTS.storefront,
    portName: 'http',
    probes: { live: '/', ready: '/' },
    routes: ['/'],
    needs: [service('gateway')],
    env: {
      // Next binds to HOSTNAME, which is the pod's name otherwise.
      HOSTNAME: '0.0.0.0',
      NEXT_PUBLIC_GRAPHQL_URL: `http://{platform}-gateway:${PORTS.gateway}/graphql`,
    },
  },
};

/** The entry of a service of the release; undefined for one of the user's own. */
export function catalogueEntry(name: string): CatalogueEntry | undefined {
  const known = RELEASE_SERVICES.find((service) => service === name);
  return known && CATALOGUE[known];
}

/** The path of a verification order: it is asked for where all of these run. */
export const VERIFIED_PATH: { entry: ReleaseService; through: readonly ReleaseService[] } = {
  entry: 'gateway',
  through: ['gateway', 'orders', 'inventory', 'order-query'],
};
