import { ErrorReply } from '@redis/client';
import type { ProvisionInput, RedisUser } from '../contract.ts';
import { JobError, messageOf } from '../failures.ts';
import { withRedis, type Redis } from '../redis.ts';
import type { ProvisionOptions } from './index.ts';
import { takenBy } from './taken.ts';

/** Whose a user is, on a server that several platforms use: user → platform. Out of reach for every user that is made here. */
const HOLDERS = 'orderplane:logins';

/**
 * What a service may do: everything with its own keys and channels, and nothing that shows or ends what is another's. Scripts are held to
 * the same keys; functions and the names of keys are everybody's, so they are out.
 */
const RIGHTS = ['+@all', '-@admin', '-@dangerous', '-function', '-scan', '-randomkey'];

/** Makes users as wanted, each for the keys with its prefix, and has the server keep them over a restart. */
export function provisionRedis(
  wanted: NonNullable<ProvisionInput['redis']>,
  options: ProvisionOptions & { authorityFile: string | undefined },
): Promise<number> {
  const { forPlatform } = wanted;
  return withRedis(options, async (redis) => {
    if (forPlatform !== undefined) await claimUsers(redis, wanted.users, forPlatform);
    let changes = 0;
    for (const user of wanted.users) {
      const isChanged = await ensureUser(redis, user, await options.passwordOf(user));
      if (!isChanged) continue;
      options.log.info(`set user ${user.name}`);
      changes++;
    }
    for (const name of wanted.ended) {
      const holder = forPlatform && (await redis.hGet(HOLDERS, name));
      if (holder && holder !== forPlatform) continue;
      const dropped = Number(await redis.sendCommand(['ACL', 'DELUSER', name]));
      if (forPlatform !== undefined) await redis.hDel(HOLDERS, name);
      if (dropped === 0) continue;
      options.log.info(`dropped user ${name}`);
      changes++;
    }
    // Also where nothing changed: a run that was killed may have come no further than the memory of the server.
    await keepUsers(redis);
    return changes;
  });
}

async function ensureUser(redis: Redis, { name, prefix }: RedisUser, password: string): Promise<boolean> {
  const before = await userLine(redis, name);
  await redis.sendCommand([
    'ACL',
    'SETUSER',
    name,
    'reset',
    'on',
    `>${password}`,
    `~${prefix}*`,
    `&${prefix}*`,
    ...RIGHTS,
  ]);
  return before !== (await userLine(redis, name));
}

/** A user as the server writes it down, with its password hashed; undefined where there is none. */
async function userLine(redis: Redis, name: string): Promise<string | undefined> {
  const lines = (await redis.sendCommand(['ACL', 'LIST'])) as unknown as string[];
  return lines.find((line) => line.startsWith(`user ${name} `));
}

/** Two platforms that use one server would take each other's passwords away. */
async function claimUsers(redis: Redis, users: readonly RedisUser[], platform: string): Promise<void> {
  for (const { name } of users) {
    await redis.hSetNX(HOLDERS, name, platform);
    const holder = await redis.hGet(HOLDERS, name);
    if (holder === platform || holder === null) continue;
    throw new JobError('LoginTaken', `user ${name} ${takenBy(holder)}: HDEL ${HOLDERS} ${name}`);
  }
}

/** In the file of users, or in the server's configuration, whichever it has. */
async function keepUsers(redis: Redis): Promise<void> {
  try {
    await redis.sendCommand(['ACL', 'SAVE']).catch((error: unknown) => {
      if (!(error instanceof ErrorReply) || !/ACL file/i.test(error.message)) throw error;
      return redis.sendCommand(['CONFIG', 'REWRITE']);
    });
  } catch (error) {
    if (!(error instanceof ErrorReply)) throw error;
    const message = `Redis would forget its users when it restarts: give it an aclfile or a configuration file that it can write, or set provisioning to None (${messageOf(error)})`;
    throw new JobError('UsersNotKept', message, { cause: error });
  }
}
