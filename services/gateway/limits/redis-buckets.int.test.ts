import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startRedis } from '@orderplane/hack/testing/redis.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { openRedis, type Redis } from '@orderplane/shared/redis.ts';
import { memoryBuckets, type TakeToken } from './rate-limit.ts';
import { redisBuckets } from './redis-buckets.ts';

const log = createLogger('gateway', 'silent');
const rate = { perMinute: 20 };

let server: Awaited<ReturnType<typeof startRedis>>;
let connections: Redis[];
let replicas: TakeToken[];

beforeAll(async () => {
  server = await startRedis();
  connections = await Promise.all([1, 2].map(() => openRedis({ uri: server.uri, name: 'gateway', log })));
  replicas = connections.map((redis) => redisBuckets({ redis, fallback: memoryBuckets({ now: () => 0 }), log }));
}, 600_000);
afterAll(async () => {
  await Promise.all(connections?.map((redis) => redis.close()) ?? []);
  await server?.stop();
});

test('replicas that share a Redis count together', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => replicas[i % 2]!('user:a', rate)));
  expect(answers.filter(({ allowed }) => allowed)).toHaveLength(20);
  const refused = await replicas[0]!('user:a', rate);
  expect(refused).toMatchObject({ allowed: false, limit: 20, remaining: 0 });
  expect(refused.retryAfterMs).toBeGreaterThan(0);
  expect(refused.retryAfterMs).toBeLessThanOrEqual(3000);
  expect(await replicas[1]!('user:b', rate)).toMatchObject({ allowed: true, remaining: 19 });
});

test('what is left in Redis ends by itself, under names that are the gateway’s', async () => {
  const keys = (await connections[0]!.run((client) => client.command('KEYS', '*'))) as string[];
  expect(keys.toSorted()).toEqual(['gateway:rate:user:a', 'gateway:rate:user:b']);
  for (const key of keys) {
    const ttl = await connections[0]!.run((client) => client.command('PTTL', key));
    expect(ttl).toBeGreaterThan(0);
    expect(ttl).toBeLessThanOrEqual(60_000);
  }
});

test('while Redis is away each replica counts by itself, and together again afterwards', async () => {
  await server.kill();
  const away = await Promise.all(Array.from({ length: 25 }, () => replicas[0]!('user:c', rate)));
  expect(away.filter(({ allowed }) => allowed)).toHaveLength(20);
  expect(await replicas[1]!('user:c', rate)).toMatchObject({ allowed: true, remaining: 19 });
  await server.start();
  for (const redis of connections) {
    while (!(await redis.check().then(() => true, () => false))) await delay(20); // prettier-ignore
  }
  await replicas[0]!('user:d', rate);
  expect(await replicas[1]!('user:d', rate)).toMatchObject({ allowed: true, remaining: 18 });
}, 60_000);
