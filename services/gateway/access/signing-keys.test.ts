import { describe, expect, test } from '@jest/globals';
import { createLogger } from '@orderplane/shared/log.ts';
import { issuer } from '../testing/tokens.ts';
import { signingKeys } from './signing-keys.ts';

const SECOND = 1000;

/** Users, with the keys that it publishes now, and a clock. */
async function published(...kids: string[]) {
  const jwks = new Map(
    await Promise.all(['old', 'new', 'next'].map(async (kid) => [kid, (await issuer(kid)).jwk] as const)),
  );
  const users = { kids, asked: 0, away: false, now: 0, answers: Promise.resolve() };
  const keys = signingKeys({
    fetchKeys: async () => {
      users.asked += 1;
      await users.answers;
      if (users.away) throw new Error('users is away');
      return JSON.stringify({ keys: users.kids.map((kid) => jwks.get(kid)) });
    },
    now: () => users.now,
    log: createLogger('gateway', 'silent'),
  });
  return { users, has: async (kid: string) => (await keys.find(kid)) !== undefined, keys };
}

describe('the keys of users', () => {
  test('are asked for once, however many tokens come at once', async () => {
    const { users, has } = await published('old');
    expect(await Promise.all([has('old'), has('old'), has('old')])).toEqual([true, true, true]);
    expect(users.asked).toBe(1);
  });

  test('are asked for again as soon as a token has a key that is not known', async () => {
    const { users, has } = await published('old');
    await has('old');
    users.kids = ['old', 'new'];
    users.now += 6 * SECOND;
    expect(await has('new')).toBe(true);
    expect(users.asked).toBe(2);
  });

  test('are not asked for by made-up key ids more often than every five seconds', async () => {
    const { users, has } = await published('old');
    for (let i = 0; i < 100; i++) {
      expect(await has(`made-up-${i}`)).toBe(false);
      users.now += 0.1 * SECOND;
    }
    expect(users.asked).toBe(2);
  });

  test('are valid no longer than a minute after they were withdrawn', async () => {
    const { users, has } = await published('old', 'new');
    await has('old');
    users.kids = ['new', 'next'];
    users.now += 61 * SECOND;
    // Nobody waits for the new ones while there are some.
    const { promise, resolve } = Promise.withResolvers<void>();
    users.answers = promise;
    expect(await has('old')).toBe(true);
    resolve();
    while (await has('old')) await new Promise((done) => setImmediate(done));
    expect(await has('next')).toBe(true);
    expect(users.asked).toBe(2);
  });

  test('stay in force while users is away', async () => {
    const { users, has, keys } = await published('old');
    await has('old');
    users.away = true;
    users.now += 3600 * SECOND;
    expect(await has('old')).toBe(true);
    // Whether that one is good cannot be known.
    await expect(keys.find('new')).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE', service: 'users' });
    users.away = false;
    users.kids = ['new'];
    users.now += 6 * SECOND;
    expect(await has('new')).toBe(true);
  });

  test('that were never fetched leave open who it is', async () => {
    const { users, keys } = await published('old');
    users.away = true;
    await expect(keys.find('old')).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE', service: 'users' });
    await expect(keys.find('old')).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(users.asked).toBe(1);
  });
});
