import { setTimeout as delay } from 'node:timers/promises';
import { inventory } from '@orderplane/inventory/app.ts';
import { orders } from '@orderplane/orders/app.ts';
import { orderQuery } from '@orderplane/order-query/app.ts';
import { payments } from '@orderplane/payments/app.ts';
import { users } from '@orderplane/users/app.ts';
import { startMongo } from '@orderplane/hack/testing/mongo.ts';
import { startNats } from '@orderplane/hack/testing/nats.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { serviceDatabase } from '@orderplane/hack/testing/service-database.ts';
import { type RunningService, startService } from '@orderplane/shared/service.ts';
import { type Db, MongoClient } from 'mongodb';
import pg from 'pg';
import { gateway } from '../app.ts';

export const VERIFICATION_KEY = 'a key that is only good for the tests';

export type Stores = Awaited<ReturnType<typeof startStores>>;
export type TestPlatform = Awaited<ReturnType<typeof startPlatform>>;

/** Real stores and broker with the release's schema and one product, `p1`. */
export async function startStores() {
  const [postgres, mongo, nats] = await Promise.all([startPostgres(), startMongo(), startNats()]);
  const inventoryUri = await serviceDatabase(postgres, 'inventory');
  const ordersUri = await serviceDatabase(postgres, 'orders');
  await run(inventoryUri, `insert into products values ('p1', 'Widget', 199)`);
  const mongoUri = Object.assign(new URL(mongo.uri), { pathname: '/app' }).href;
  const client = new MongoClient(mongoUri);
  const readModel: Db = client.db();
  await readModel.collection('orders').createIndex({ eventId: 1 }, { name: 'orders_event_id', unique: true });
  return {
    postgres,
    mongo,
    nats,
    readModel,
    inventoryUri,
    ordersUri,
    mongoUri,
    /** Runs statements in the database of inventory. */
    inventory: (...statements: string[]) => run(inventoryUri, ...statements),
    async countEvents() {
      const [row] = await run(ordersUri, 'select count(*)::int as events from events');
      return (row as { events: number }).events;
    },
    async stop() {
      await client.close();
      await Promise.all([postgres.stop(), mongo.stop(), nats.stop()]);
    },
  };
}

/** The databases of accounts and payments, which the smallest platform is without. */
export async function startShopStores({ postgres }: Stores) {
  return {
    usersUri: await serviceDatabase(postgres, 'users'),
    paymentsUri: await serviceDatabase(postgres, 'payments'),
  };
}

export type ShopStores = Awaited<ReturnType<typeof startShopStores>>;

/** The services of the smallest platform in this process, on ports of their own; with the stores of a shop those of the full one. */
export async function startPlatform(
  { inventoryUri, ordersUri, mongoUri, nats }: Stores,
  shop?: ShopStores,
  env: Readonly<Record<string, string>> = {},
) {
  const level = process.env.LOG_LEVEL ?? 'FATAL';
  const base = { PORT: '0', MANAGEMENT_PORT: '0', DRAIN_DELAY_MS: '0', LOG_LEVEL: level, ...env };
  const running: RunningService[] = [];
  const keep = async (starting: Promise<RunningService>) => {
    const service = await starting;
    running.push(service);
    return service;
  };
  const url = ({ port }: RunningService) => `http://127.0.0.1:${port}`;
  const inventoryService = await keep(
    startService(inventory, { ...base, POSTGRES_URI: inventoryUri, BROKER_URI: nats.uri }),
  );
  const INVENTORY_URL = url(inventoryService);
  const ordersService = await keep(
    startService(orders, {
      ...base,
      POSTGRES_URI: ordersUri,
      BROKER_URI: nats.uri,
      INVENTORY_URL,
      ...(shop ? { SAGA_STEPS: 'stock,payment' } : {}),
    }),
  );
  const queryService = await keep(startService(orderQuery, { ...base, MONGO_URI: mongoUri, BROKER_URI: nats.uri }));
  const shopServices = shop && (await startShop(shop, nats.uri, base, keep));
  const shopUrls = shopServices
    ? { USERS_URL: url(shopServices.users), PAYMENTS_URL: url(shopServices.payments) }
    : { ANONYMOUS_ORDERS: 'true' };
  const gatewayService = await keep(
    startService(gateway, {
      ...base,
      PROFILE: 'dev',
      ...shopUrls,
      RATE_LIMIT_PER_MINUTE: '1000000',
      INVENTORY_URL,
      ORDERS_URL: url(ordersService),
      ORDER_QUERY_URL: url(queryService),
      VERIFICATION_KEY,
    }),
  );
  return {
    gatewayUrl: url(gatewayService),
    services: {
      inventory: inventoryService,
      orders: ordersService,
      orderQuery: queryService,
      gateway: gatewayService,
      ...shopServices,
    },
    async stop() {
      for (const service of running.toReversed()) await service.stop();
    },
  };
}

/** Accounts and payments. */
async function startShop(
  { usersUri, paymentsUri }: ShopStores,
  brokerUri: string,
  base: Record<string, string>,
  keep: (starting: Promise<RunningService>) => Promise<RunningService>,
) {
  const secret = { IDENTITY_SECRET: 'a secret that is only good for the tests' };
  const accounts = await keep(startService(users, { ...base, ...secret, POSTGRES_URI: usersUri }));
  const charges = await keep(startService(payments, { ...base, POSTGRES_URI: paymentsUri, BROKER_URI: brokerUri }));
  return { users: accounts, payments: charges };
}

export interface GraphQLAnswer<Data> {
  readonly status: number;
  readonly data: Data;
  readonly errors?: { message: string; extensions: Record<string, unknown> }[];
}

export async function graphql<Data = Record<string, unknown>>(
  { gatewayUrl }: Pick<TestPlatform, 'gatewayUrl'>,
  query: string,
  variables: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<GraphQLAnswer<Data>> {
  const response = await fetch(`${gatewayUrl}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables }),
  });
  return { status: response.status, ...((await response.json()) as Omit<GraphQLAnswer<Data>, 'status'>) };
}

/** Asks again and again until the answer is what was waited for; says what it was when it never is. */
export async function eventually<T>(
  ask: () => Promise<T>,
  isIt: (answer: T) => boolean,
  withinMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (isIt(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`never came: the last answer was ${JSON.stringify(answer)}`);
    await delay(20);
  }
}

/** Runs the statements; the rows of the last. */
async function run(uri: string, ...statements: string[]): Promise<unknown[]> {
  const client = new pg.Client(uri);
  await client.connect();
  try {
    let rows: unknown[] = [];
    for (const statement of statements) ({ rows } = await client.query(statement));
    return rows;
  } finally {
    await client.end();
  }
}
