import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { silentProgress } from '@orderplane/hack/progress.ts';
import { startNats, type NatsServer } from '@orderplane/hack/testing/nats.ts';
import { ensureTools } from '@orderplane/hack/toolchain/index.ts';
import { natsConfig, type NatsUser } from './nats-config.ts';

const user = (name: string, topics: NatsUser['topics'], hasOwnInbox = true): NatsUser => ({
  name,
  password: name,
  service: name,
  topics,
  hasOwnInbox,
});
const USERS = [
  user('admin', undefined),
  user('orders', { publish: ['order_created'], consume: [] }),
  user('mine', { publish: ['report_made'], consume: ['report_asked'] }, false),
  user('other', { publish: ['report_asked'], consume: [] }, false),
];

test('a real server takes the whole configuration', async () => {
  const { 'nats-server': binary } = await ensureTools(['nats-server'], silentProgress);
  const folder = await mkdtemp(join(tmpdir(), 'orderplane-nats-config-'));
  try {
    await writeFile(join(folder, 'nats.conf'), natsConfig(USERS));
    const { stderr } = await promisify(execFile)(binary, ['-t', '-c', join(folder, 'nats.conf')]);
    expect(stderr).toContain('is valid');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

describe('under this configuration', () => {
  let server: NatsServer;
  const connections: NatsConnection[] = [];

  beforeAll(async () => {
    const config = natsConfig(USERS);
    server = await startNats({ configText: config.slice(config.indexOf('authorization')) });
  });

  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await server?.stop();
  });

  const as = async (name: string) => {
    const connection = await connect({ servers: server.uri, user: name, pass: name });
    connections.push(connection);
    return connection;
  };

  /** What the server complained of, after everything sent so far has been dealt with. */
  async function complaintOf(connection: NatsConnection, act: () => void): Promise<string | undefined> {
    let complaint: string | undefined;
    void (async () => {
      for await (const status of connection.status()) if (status.type === 'error') complaint = status.error.message;
    })();
    act();
    await connection.flush();
    await connection.flush();
    return complaint;
  }

  test('a plain client of a user’s own service publishes, asks and receives what it needs', async () => {
    const [mine, other] = [await as('mine'), await as('other')];
    const asked = mine.subscribe('report_asked', { max: 1, callback: (_, message) => void message.respond('made') });
    await mine.flush();
    // The answer comes to an inbox with the client's default prefix.
    await expect(
      other.request('report_asked', '', { timeout: 2000 }).catch((error: Error) => error.message),
    ).resolves.toBeDefined();
    expect(await complaintOf(mine, () => mine.publish('report_made'))).toBeUndefined();
    asked.unsubscribe();
  });

  test.each<[string, string, (connection: NatsConnection) => void]>([
    ['publishes a topic that it does not need', 'mine', (connection) => connection.publish('order_created')],
    ['receives a topic that it does not need', 'mine', (connection) => void connection.subscribe('order_created')],
    [
      'reads the inbox of a service of the release',
      'mine',
      (connection) => void connection.subscribe('_INBOX.orders.>'),
    ],
    ['deletes a stream', 'orders', (connection) => connection.publish('$JS.API.STREAM.DELETE.ORDERS')],
    [
      'reads what others publish, past a consumer',
      'orders',
      (connection) => connection.publish('$JS.API.STREAM.MSG.GET.ORDERS'),
    ],
  ])('a service never %s', async (_, name, act) => {
    const connection = await as(name);
    expect(await complaintOf(connection, () => act(connection))).toMatch(/permissions violation/i);
  });
});
