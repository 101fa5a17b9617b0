import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { startNats, type NatsServer } from '@orderplane/hack/testing/nats.ts';
import { configMarker, natsConfig, SYSTEM_USER, type NatsUser } from '../../resources/nats-config.ts';
import { runHere } from '../testing/run-job.ts';
import { runProvision } from './index.ts';

const user = (name: string, service: string, topics: NatsUser['topics']): NatsUser => ({
  name,
  service,
  topics,
  password: `password-of-${name}`,
  hasOwnInbox: true,
});
const ADMIN = user('admin', '', undefined);
const orders = (n: 1 | 2) => user(`orders_${n}`, 'orders', { publish: ['order_created'], consume: [] });
const query = (n: 1 | 2) => user(`query_${n}`, 'query', { publish: [], consume: ['order_created'] });

let server: NatsServer;
const connections: NatsConnection[] = [];

beforeAll(async () => {
  server = await startNats({ configText: accounts([orders(1), query(1)]) });
});

afterAll(async () => {
  await Promise.all(connections.map((connection) => connection.close()));
  await server?.stop();
});

function accounts(users: NatsUser[]): string {
  const config = natsConfig([ADMIN, ...users]);
  return config.slice(config.indexOf('authorization'));
}

/** Changes the users as the operator does: the file first, which the server does not look at, then the Job. */
async function change(users: NatsUser[]) {
  await server.configure(accounts(users));
  const nats = { systemUser: SYSTEM_USER, marker: configMarker([ADMIN, ...users]) };
  const NATS_ADMIN_URI = server.uri.replace('nats://', `nats://admin:${ADMIN.password}@`);
  return runHere(runProvision, { nats }, { NATS_ADMIN_URI });
}

async function as({ name, password }: NatsUser): Promise<NatsConnection> {
  const connection = await connect({
    servers: server.uri,
    user: name,
    pass: password,
    inboxPrefix: `_INBOX.${name}`,
    reconnect: false,
  });
  connections.push(connection);
  return connection;
}

/** What the durable consumer of `query` hands out, acknowledged. */
async function read(connection: NatsConnection, count: number): Promise<string[]> {
  const consumer = await jetstream(connection).consumers.get('ORDERS', 'query');
  const bodies: string[] = [];
  for await (const message of await consumer.fetch({ max_messages: count, expires: 5_000 })) {
    bodies.push(message.string());
    await message.ackAck();
  }
  return bodies;
}

test('users come, change over and go without a restart, and no message is lost', async () => {
  const admin = await jetstreamManager(await as(ADMIN));
  await admin.streams.add({ name: 'ORDERS', subjects: ['order_created'] });
  await admin.consumers.add('ORDERS', {
    durable_name: 'query',
    ack_policy: 'explicit',
    filter_subject: 'order_created',
  });
  const [oldOrders, oldQuery] = [await as(orders(1)), await as(query(1))];
  await jetstream(oldOrders).publish('order_created', 'one');
  await jetstream(oldOrders).publish('order_created', 'two');
  expect(await read(oldQuery, 1)).toEqual(['one']);

  await expect(as(orders(2))).rejects.toThrow(/authorization/i);
  expect(await change([orders(1), orders(2), query(1), query(2)])).toMatchObject({ ok: true, changes: 1 });
  expect([oldOrders.isClosed(), oldQuery.isClosed()]).toEqual([false, false]);
  const [newOrders, newQuery] = [await as(orders(2)), await as(query(2))];
  await jetstream(newOrders).publish('order_created', 'three');
  await jetstream(oldOrders).publish('order_created', 'four');
  expect(await read(newQuery, 2)).toEqual(['two', 'three']);
  expect(await read(oldQuery, 1)).toEqual(['four']);

  expect(await change([orders(2), query(2)])).toMatchObject({ ok: true, changes: 1 });
  await Promise.all([oldOrders.closed(), oldQuery.closed()]);
  for (const ended of [orders(1), query(1)]) await expect(as(ended)).rejects.toThrow(/authorization/i);
  await jetstream(newOrders).publish('order_created', 'five');
  expect(await read(newQuery, 1)).toEqual(['five']);
  expect(await change([orders(2), query(2)])).toEqual({ ok: true, changes: 0 });
});

test.each([
  ['reads its configuration again', async (connection: NatsConnection) => connection.request(`$SYS.REQ.SERVER.${connection.info?.server_id}.RELOAD`, '', { timeout: 500 })],
  ['reads with what marks the configuration', async () => {
    const marker = { ...ADMIN, name: configMarker([ADMIN, orders(2), query(2)]) };
    const connection = await as(marker);
    return connection.request('$JS.API.INFO', '', { timeout: 500 });
  }],
])('nobody but the operator %s', async (_, act) => {
  await expect(act(await as(orders(2)))).rejects.toThrow();
}); // prettier-ignore
