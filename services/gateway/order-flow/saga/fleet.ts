import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { freePorts } from '@orderplane/hack/cluster/ports.ts';
import { logTail, type RunningProcess, startProcess } from '@orderplane/hack/cluster/process.ts';
import { root } from '@orderplane/hack/root.ts';
import { startMongo } from '@orderplane/hack/testing/mongo.ts';
import { startNats } from '@orderplane/hack/testing/nats.ts';
import { startPostgres } from '@orderplane/hack/testing/postgres.ts';
import { accepts, startServer } from '@orderplane/hack/testing/server.ts';
import { serviceDatabase } from '@orderplane/hack/testing/service-database.ts';
import { temporaryFolder } from '@orderplane/hack/testing/temporary-folder.ts';
import { MongoClient } from 'mongodb';

/** What can be killed, and comes back as it was. */
export interface Component {
  readonly name: string;
  /** kill -9. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

export type Fleet = Awaited<ReturnType<typeof startFleet>>;

const SERVICES = ['users', 'inventory', 'payments', 'orders', 'order-query', 'gateway'] as const;
type ServiceName = (typeof SERVICES)[number];

/** The services of the shop, each in a process of its own, on real stores and a real broker. */
export async function startFleet() {
  const folder = await temporaryFolder('orderplane-saga-');
  const stores = await startStores();
  const { postgres, mongo, nats } = stores;
  const ports = await freePorts(SERVICES.length * 2);
  const portOf = (name: ServiceName) => ports[SERVICES.indexOf(name)] as number;
  const urlOf = (name: ServiceName) => `http://127.0.0.1:${portOf(name)}`;
  const environments = environmentsOf(stores, urlOf);
  const processOf = (name: ServiceName, ...args: string[]) => ({
    name: [name, ...args].join(' '),
    command: process.execPath,
    args: [join(root, 'services', name, 'server.ts'), ...args],
    log: join(folder.path, `${[name, ...args].join('-')}.log`),
    env: {
      ...process.env,
      ...environments[name],
      PORT: String(portOf(name)),
      MANAGEMENT_PORT: String(ports[SERVICES.length + SERVICES.indexOf(name)]),
      DRAIN_DELAY_MS: '0',
      LOG_LEVEL: process.env.LOG_LEVEL ?? 'WARN',
    },
  });
  const running = new Map<ServiceName, RunningProcess>();
  const { promise: died, reject: die } = Promise.withResolvers<never>();
  died.catch(() => undefined);
  let isStopped = false;
  const launch = async (name: ServiceName) => {
    const started = await startServer(processOf(name), () => accepts(portOf(name)));
    running.set(name, started);
    // Whoever kills and starts may not know yet.
    if (isStopped) await end(name);
    void started.exited.then(async () => {
      if (running.get(name) === started) die(new Error(`${name} died by itself:\n${await logTail(started.log, 40)}`));
    });
  };
  const end = async (name: ServiceName) => {
    const victim = running.get(name);
    running.delete(name);
    victim?.kill('SIGKILL');
    await victim?.exited;
  };
  await Promise.all(SERVICES.map(launch));

  const components: Component[] = [
    ...Object.entries({ postgres, mongo, nats }).map(([name, { kill, start }]) => ({ name, kill, start })),
    ...SERVICES.map((name) => ({ name, kill: () => end(name), start: () => launch(name) })),
  ];
  return {
    components,
    /** Rejects when a service ends that nobody killed. */
    died,
    urlOf,
    uris: stores.uris,
    mongoUri: stores.mongoUri,
    natsUri: nats.uri,
    /** As an administrator does, while all go on. */
    async rebuildReadModel() {
      const spec = processOf('order-query', 'rebuild');
      const { code } = await (await startProcess(spec)).exited;
      if (code !== 0) throw new Error(`the rebuild ended with ${code}:\n${await logTail(spec.log, 20)}`);
    },
    /** What the services said last, for a run that came to no end. */
    async lastWords() {
      const words = SERVICES.map(async (name) => `${name}: ${await logTail(processOf(name).log, 3)}`);
      return (await Promise.all(words)).join('\n');
    },
    async stop() {
      isStopped = true;
      await Promise.all(SERVICES.map(end));
      await Promise.all([postgres.stop(), mongo.stop(), nats.stop()]);
      await folder.remove();
    },
  };
}

async function startStores() {
  const [postgres, mongo, nats] = await Promise.all([startPostgres(), startMongo(), startNats()]);
  const uris = {
    inventory: await serviceDatabase(postgres, 'inventory'),
    payments: await serviceDatabase(postgres, 'payments'),
    orders: await serviceDatabase(postgres, 'orders'),
    users: await serviceDatabase(postgres, 'users'),
  };
  const mongoUri = Object.assign(new URL(mongo.uri), { pathname: '/app' }).href;
  await indexReadModel(mongoUri);
  return { postgres, mongo, nats, uris, mongoUri };
}

/**
 * Access tokens run out again and again, so that refreshes are killed, too. Orders time out soon enough that faults make them, and that
 * answers come too late. Reservations do not: their expiry would give back what was forgotten to be released.
 */
function environmentsOf(
  { uris, nats, mongoUri }: Awaited<ReturnType<typeof startStores>>,
  urlOf: (name: ServiceName) => string,
): Record<ServiceName, Record<string, string>> {
  const broker = { BROKER_URI: nats.uri };
  return {
    inventory: { ...broker, POSTGRES_URI: uris.inventory, RESERVATION_TTL: '30m' },
    payments: { ...broker, POSTGRES_URI: uris.payments, PROCESSOR: 'sandbox', SANDBOX_LATENCY_MS: '20' },
    orders: {
      ...broker,
      POSTGRES_URI: uris.orders,
      INVENTORY_URL: urlOf('inventory'),
      SAGA_STEPS: 'stock,payment',
      STOCK_TIMEOUT: '5s',
      PAYMENT_TIMEOUT: '10s',
      SNAPSHOT_INTERVAL: '3',
    },
    'order-query': { ...broker, MONGO_URI: mongoUri },
    users: { POSTGRES_URI: uris.users, IDENTITY_SECRET: randomUUID(), ACCESS_TOKEN_TTL: '3s' },
    gateway: {
      USERS_URL: urlOf('users'),
      INVENTORY_URL: urlOf('inventory'),
      ORDERS_URL: urlOf('orders'),
      ORDER_QUERY_URL: urlOf('order-query'),
      PAYMENTS_URL: urlOf('payments'),
      RATE_LIMIT_PER_MINUTE: '10000000',
      AUTH_RATE_LIMIT_PER_MINUTE: '10000000',
    },
  };
}

/** As the migration of the read model does. */
async function indexReadModel(uri: string): Promise<void> {
  const client = new MongoClient(uri);
  try {
    const orders = client.db().collection('orders');
    await orders.createIndex({ eventId: 1 }, { name: 'orders_event_id', unique: true });
  } finally {
    await client.close();
  }
}
