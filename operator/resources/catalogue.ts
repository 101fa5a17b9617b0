/** What the services of this release are made of. A service of the user's own differs from these only in bringing its own image. */
import { ORDER_TOPICS, PAYMENT_TOPICS, STOCK_TOPICS, type Topic } from '@orderplane/contracts/topics.ts';
import {
  RELEASE_SERVICES,
  type Engine,
  type Need,
  type ReleaseService,
  type Requirement,
} from '../api/v1alpha1/index.ts';
import type { ImageName } from './images.ts';
import type { Identity } from './platform.ts';
import { PORTS } from './ports.ts';

export interface CatalogueEntry {
  image: ImageName;
  /** Instead of the image's own entrypoint. */
  command?: string[];
  port: number;
  portName: 'http' | 'grpc';
  /** Where /livez, /readyz and /metrics are, if not on `port`. */
  managementPort?: number;
  /** Paths; they are asked at the management port where there is one and `port` names no other. */
  probes: { live: string; ready: string; port?: string };
  /** Paths that it serves to the outside, where the platform is exposed. */
  routes?: string[];
  needs: Need[];
  requires?: Requirement[];
  /** Migrations in the image, at /app/<service>/migrations: the operator makes a Migration of them, and the service waits for it. */
  migrations?: { engine: Engine; database: string };
  /** Whether it checks the token of the verify Job. */
  checksVerification?: boolean;
  /** Whether it keeps the accounts of customers: it is given the key of their tokens, and the platform has an identity while it serves. */
  keepsAccounts?: boolean;
  /** What has to be done for an order before it is confirmed, and is done by this service. */
  sagaStep?: SagaStep;
  /** Variables by name; the user's own win. Where a value depends on the platform, it is made from it. */
  env?: Record<string, string | ((facts: PlatformFacts) => string)>;
}

/** The steps between an order and its confirmation, in order. */
const SAGA_STEPS = ['stock', 'payment'] as const;
export type SagaStep = (typeof SAGA_STEPS)[number];

/** What the variables of a service may depend on. */
export interface PlatformFacts {
  name: string;
  sagaSteps: readonly SagaStep[];
  identity: Identity;
}

const database = { postgres: (name: string): Need => ({ postgres: { database: name, access: 'ReadWrite' } }) };
const service = (name: ReleaseService): Need => ({ service: { name } });
const optionally = (need: Need): Need => ({ ...need, optional: true });
const events = (publish: readonly Topic[], consume: readonly Topic[]): Need => ({
  broker: { publish: [...publish], consume: [...consume] },
});

/**
 * For small memory limits, by which Node would choose 2 MiB for what is new, in which much of a request outlives it and is copied, and a full
 * collection whenever the heap has grown by a third: several in a second, each of which makes dozens of requests wait. With these it is one in
 * some seconds, when most of the heap is garbage: V8 lets it grow half the way to its bound.
 */
export const HEAP_OPTIONS = ['--max-semi-space-size=8', '--heap-growing-percent=400'];
/** Of the memory limit, for all that is not new: what is left is for the rest of the process. */
const OLD_SPACE = '--max-old-space-size-percentage=50';

const node = (name: ReleaseService) => ({
  image: 'services' as const,
  command: ['node', ...HEAP_OPTIONS, OLD_SPACE, `/app/${name}/server.mjs`],
  managementPort: PORTS.management,
  probes: { live: '/livez', ready: '/readyz' },
});

const CATALOGUE: Readonly<Record<ReleaseService, CatalogueEntry>> = {
  gateway: {
    ...node('gateway'),
    port: PORTS.gateway,
    portName: 'http',
    routes: ['/api', '/docs', '/graphql'],
    needs: [
      service('inventory'),
      service('orders'),
      service('order-query'),
      optionally(service('users')),
      optionally(service('payments')),
      optionally({ redis: {} }),
    ],
    checksVerification: true,
    env: { ANONYMOUS_ORDERS: ({ identity }) => String(identity.anonymousOrders) },
  },
  users: {
    ...node('users'),
    port: PORTS.users,
    portName: 'grpc',
    needs: [database.postgres('users'), optionally({ redis: {} })],
    migrations: { engine: 'postgres', database: 'users' },
    keepsAccounts: true,
    env: {
      ACCESS_TOKEN_TTL: ({ identity }) => identity.accessTokenTTL,
      REFRESH_TOKEN_TTL: ({ identity }) => identity.refreshTokenTTL,
    },
  },
  inventory: {
    ...node('inventory'),
    port: PORTS.inventory,
    portName: 'grpc',
    needs: [
      database.postgres('inventory'),
      events(STOCK_TOPICS, ['order_created', 'order_confirmed', 'order_cancelled']),
    ],
    migrations: { engine: 'postgres', database: 'inventory' },
    sagaStep: 'stock',
  },
  payments: {
    ...node('payments'),
    port: PORTS.payments,
    portName: 'grpc',
    needs: [database.postgres('payments'), events(PAYMENT_TOPICS, ['stock_reserved', 'order_cancelled'])],
    migrations: { engine: 'postgres', database: 'payments' },
    sagaStep: 'payment',
  },
  orders: {
    ...node('orders'),
    port: PORTS.orders,
    portName: 'grpc',
    needs: [
      database.postgres('orders'),
      events(ORDER_TOPICS, ['stock_reserved', 'stock_rejected', 'stock_released', ...PAYMENT_TOPICS]),
      service('inventory'),
    ],
    migrations: { engine: 'postgres', database: 'orders' },
    env: { SAGA_STEPS: ({ sagaSteps }) => sagaSteps.join(',') },
  },
  'order-query': {
    ...node('order-query'),
    port: PORTS.orderQuery,
    portName: 'grpc',
    needs: [{ mongo: { database: 'app' } }, events([], ORDER_TOPICS)],
    migrations: { engine: 'mongo', database: 'app' },
  },
  storefront: {
    image: 'storefront',
    port: PORTS.storefront,
    portName: 'http',
    managementPort: PORTS.management,
    // A visitor's page, which needs all that a visitor needs of the server.
    probes: { live: '/', ready: '/', port: 'http' },
    routes: ['/'],
    needs: [service('gateway')],
    env: {
      // Next binds to HOSTNAME, which is the pod's name otherwise.
      HOSTNAME: '0.0.0.0',
      NEXT_PUBLIC_GRAPHQL_URL: ({ name }) => `http://${name}-gateway:${PORTS.gateway}/graphql`,
    },
  },
};

/** The entry of a service of the release; undefined for one of the user's own. */
export function catalogueEntry(name: string): CatalogueEntry | undefined {
  const known = RELEASE_SERVICES.find((service) => service === name);
  return known && CATALOGUE[known];
}

/** The steps of the saga of a platform with these services, in order. */
export function sagaStepsOf(services: readonly { name: string }[]): SagaStep[] {
  const done = new Set(services.map(({ name }) => catalogueEntry(name)?.sagaStep));
  return SAGA_STEPS.filter((step) => done.has(step));
}

/** The path of a verification order: it is asked for where all of these run. */
export const VERIFIED_PATH: { entry: ReleaseService; through: readonly ReleaseService[] } = {
  entry: 'gateway',
  through: ['gateway', 'orders', 'inventory', 'order-query'],
};
