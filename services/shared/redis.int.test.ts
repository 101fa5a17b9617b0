import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startRedis } from '@orderplane/hack/testing/redis.ts';
import { createLogger } from './log.ts';
import { openRedis, type Redis } from './redis.ts';

let server: Awaited<ReturnType<typeof startRedis>>;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = await openRedis({ uri: server.uri, name: 'test', log: createLogger('test', 'silent') });
  await redis.check();
}, 600_000);
afterAll(async () => {
  await redis?.close();
  await server?.stop();
});

async function untilThere(): Promise<void> {
  for (;;) {
    try {
      return await redis.check();
    } catch (error) {
      expect(error).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

test('a server that was killed is away at once, and there again by itself', async () => {
  await redis.run((client) => client.command('SET', 'kept', 'yes'));
  await server.kill();
  await expect(redis.check()).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  await server.start();
  await untilThere();
  expect(await redis.run((client) => client.command('GET', 'kept'))).toBe('yes');
});

test('a server that does not answer any more is away, and its connection is given up', async () => {
  process.kill(server.pid(), 'SIGSTOP');
  const silent = redis.check();
  await expect(silent).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  process.kill(server.pid(), 'SIGCONT');
  await untilThere();
});

test('what Redis refuses for its content stays the error that it is', async () => {
  await redis.run((client) => client.command('SET', 'word', 'a'));
  await expect(redis.run((client) => client.command('LPUSH', 'word', 'b'))).rejects.toThrow('WRONGTYPE');
});
