import { afterEach, describe, expect, test } from '@jest/globals';
import { jetstream, jetstreamManager, StorageType } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { createClient } from '@redis/client';
import { Client } from 'pg';
import { startMongo } from './mongo.ts';
import { startNats } from './nats.ts';
import { startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';
import { accepts, type TestServer } from './server.ts';

const started: TestServer[] = [];
const keep = <T extends TestServer>(server: T): T => {
  started.push(server);
  return server;
};

/** Temporary folders that a process made and that are still there. */
function foldersOf(pid: number | undefined): string[] {
  const folders = readdirSync(tmpdir()).filter((name) => /^orderplane-(postgres|nats|redis)-/.test(name));
  return folders.filter(
    (name) =>
      existsSync(join(tmpdir(), name, 'owner')) && readFileSync(join(tmpdir(), name, 'owner'), 'utf8') === String(pid),
  );
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
});

async function query(uri: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: uri });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function withMongo<T>(uri: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

const redisClient = (url: string) => createClient({ url, socket: { reconnectStrategy: false } });

async function withRedis<T>(url: string, work: (client: ReturnType<typeof redisClient>) => Promise<T>): Promise<T> {
  const client = redisClient(url).on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    client.destroy();
  }
}

describe('startPostgres', () => {
  test('serves, asks for the password, and has what was committed before a kill -9', async () => {
    const server = keep(await startPostgres());
    await query(server.uri, 'create table t as select 42 as answer');
    await expect(query(server.uri.replace(/:[^:@]+@/, ':wrong@'), 'select 1')).rejects.toThrow(
      'password authentication failed',
    );
    await server.kill();
    await server.start();
    expect(await query(server.uri, 'select answer from t')).toEqual([{ answer: 42 }]);
  });
});

describe('startNats', () => {
  test('keeps an acknowledged message over a kill -9, on the same port', async () => {
    const server = keep(await startNats());
    const before = await connect({ servers: server.uri });
    await (await jetstreamManager(before)).streams.add({ name: 'T', subjects: ['t'], storage: StorageType.File });
    await jetstream(before).publish('t', 'kept');
    await before.close();
    await server.kill();
    await server.start();
    const after = await connect({ servers: server.uri });
    const message = await (await jetstreamManager(after)).streams.getMessage('T', { seq: 1 });
    await after.close();
    expect(message?.string()).toBe('kept');
  });

  test('applies the configuration it is given', async () => {
    const server = keep(await startNats({ configText: 'authorization { user: u, password: p }' }));
    await expect(connect({ servers: server.uri, maxReconnectAttempts: 0 })).rejects.toThrow(/authorization/i);
    const connection = await connect({ servers: server.uri, user: 'u', pass: 'p' });
    await connection.close();
  });
});

describe('startRedis', () => {
  test('asks for the password, and has what it answered for before a kill -9', async () => {
    const server = keep(await startRedis());
    await withRedis(server.uri, (client) => client.set('kept', 'yes'));
    await expect(withRedis(server.uri.replace(/:[^:@]+@/, ':wrong@'), (client) => client.get('kept'))).rejects.toThrow(
      'WRONGPASS',
    );
    await server.kill();
    await server.start();
    expect(await withRedis(server.uri, (client) => client.get('kept'))).toBe('yes');
  });
});

describe('startMongo', () => {
  test('lets root create a user with roles, who signs in and finds the data after a kill -9', async () => {
    const server = keep(await startMongo());
    await withMongo(server.uri, (client) =>
      client
        .db('admin')
        .command({ createUser: 'order-query_1', pwd: 'secret', roles: [{ role: 'readWrite', db: 'app' }] }),
    );
    const uri = server.uri.replace(/root:[^@]+@/, 'order-query_1:secret@');
    await withMongo(uri, async (client) => {
      const orders = client.db('app').collection<{ _id: string; n: number }>('orders');
      await orders.createIndex({ n: 1 }, { unique: true });
      await orders.insertOne({ _id: 'a', n: 1 });
      await expect(orders.insertOne({ _id: 'b', n: 1 })).rejects.toThrow('E11000');
    });
    await server.kill();
    await server.start();
    expect(await withMongo(uri, (client) => client.db('app').collection('orders').findOne())).toEqual({
      _id: 'a',
      n: 1,
    });
  });

  test.each([
    ['a wrong password', (uri: string) => uri.replace(/root:[^@]+@/, 'root:wrong@')],
    ['no credentials', (uri: string) => uri.replace(/root:[^@]+@/, '').replace('authSource=admin&', '')],
  ])('refuses %s', async (_, change) => {
    const server = keep(await startMongo());
    await expect(
      withMongo(change(server.uri), (client) => client.db('app').collection('orders').findOne()),
    ).rejects.toThrow(/authenticat/i);
  });
});

describe('what a server leaves behind', () => {
  test('nothing, once stopped', async () => {
    const servers = await Promise.all([startPostgres(), startNats(), startMongo(), startRedis()]);
    const pids = servers.map((server) => server.pid());
    await Promise.all(servers.map((server) => server.stop()));
    expect(pids.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    expect(foldersOf(process.pid)).toEqual([]);
  });

  test('no process, when its parent is killed; and the next start removes its files', async () => {
    const program = `
      const { startPostgres } = await import('${import.meta.resolve('./postgres.ts')}');
      const { startNats } = await import('${import.meta.resolve('./nats.ts')}');
      const servers = await Promise.all([startPostgres(), startNats()]);
      console.log(JSON.stringify(servers.map(({ port }) => port)));
      setInterval(() => {}, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '--eval', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [output] = (await once(parent.stdout, 'data')) as [Buffer];
    const ports = JSON.parse(output.toString()) as number[];
    expect(foldersOf(parent.pid)).toHaveLength(2);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    for (const port of ports) while (await accepts(port)) await delay(10);
    keep(await startPostgres());
    keep(await startNats());
    expect(foldersOf(parent.pid)).toEqual([]);
  });
});
