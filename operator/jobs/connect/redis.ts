import { withRedis } from '../redis.ts';
import type { Login } from './index.ts';

export function loginToRedis(login: Login): Promise<void> {
  return withRedis(login, async (redis) => {
    await redis.ping();
  });
}
