import { afterAll, beforeAll } from '@jest/globals';
import { startRedis } from '@orderplane/hack/testing/redis.ts';
import { createLogger } from '@orderplane/shared/log.ts';
import { openRedis, type Redis } from '@orderplane/shared/redis.ts';
import { redisSessionStore } from './redis-session-store.ts';
import { sessionStoreConformance } from './session-store-conformance.ts';

let server: Awaited<ReturnType<typeof startRedis>>;
let redis: Redis;

beforeAll(async () => {
  server = await startRedis();
  redis = await openRedis({ uri: server.uri, name: 'test', log: createLogger('test', 'silent') });
}, 600_000);
afterAll(async () => {
  await redis?.close();
  await server?.stop();
});

sessionStoreConformance('Redis', () => ({ store: redisSessionStore(redis), server }));
