/** Connections to a platform's stores and broker, as an administrator or as one of its services. */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { MongoClient } from 'mongodb';
import pg from 'pg';
import type { PlatformHandle } from './platform.ts';

export type Store = 'postgres' | 'mongo' | 'nats';

/** Whose Secret to use: the store's administrator, or the service of that name. */
export type Role = 'admin' | (string & {});

/** The URI from the role's Secret, with the Service's name replaced by its address: the host does not ask the cluster's DNS. */
export async function storeUri(platform: PlatformHandle, store: Store, role: Role = 'admin'): Promise<URL> {
  const name = role === 'admin' ? `${platform.name}-${store}-admin` : `${platform.name}-${role}-${store}`;
  const uri = new URL(await platform.secret(name, 'uri'));
  uri.hostname = await platform.serviceAddress(`${platform.name}-${store}`);
  return uri;
}

export async function connectPostgres(
  platform: PlatformHandle,
  options: { readonly role?: Role; readonly database?: string } = {},
): Promise<pg.Client & AsyncDisposable> {
  const uri = await storeUri(platform, 'postgres', options.role);
  if (options.database) uri.pathname = `/${options.database}`;
  const client = new pg.Client({ connectionString: uri.href, connectionTimeoutMillis: 5_000 });
  // A killed server ends the connection; the query under way reports it.
  client.on('error', () => {});
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

export async function connectMongo(platform: PlatformHandle, role?: Role): Promise<MongoClient> {
  const uri = await storeUri(platform, 'mongo', role);
  const client = new MongoClient(uri.href, { serverSelectionTimeoutMS: 5_000 });
  try {
    return await client.connect();
  } catch (error) {
    // It would go on looking for its server, and keep the process alive.
    await client.close();
    throw error;
  }
}

export async function connectBroker(platform: PlatformHandle, role?: Role): Promise<NatsConnection & AsyncDisposable> {
  const uri = await storeUri(platform, 'nats', role);
  const user = decodeURIComponent(uri.username);
  const connection = await connect({
    servers: uri.host,
    user,
    pass: decodeURIComponent(uri.password),
    inboxPrefix: `_INBOX.${user}`,
    reconnect: false,
    timeout: 5_000,
  });
  return Object.assign(connection, { [Symbol.asyncDispose]: () => connection.close() });
}

/** What redis-cli answers to a command, asked in Redis's own pod as its administrator. */
export async function askRedis(platform: PlatformHandle, ...command: readonly string[]): Promise<string> {
  const password = await platform.secret(`${platform.name}-redis-admin`, 'password');
  const script = 'read -r REDISCLI_AUTH; export REDISCLI_AUTH; exec redis-cli --no-auth-warning "$@"';
  const pod = ['-n', platform.namespace, `${platform.name}-redis-0`, '-c', 'redis'];
  const args = ['exec', '-i', ...pod, '--', 'sh', '-c', script, 'redis-cli', ...command];
  return (await platform.cluster.kubectl(args, `${password}\n`)).trim();
}
