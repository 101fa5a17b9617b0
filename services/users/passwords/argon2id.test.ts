import { describe, expect, test } from '@jest/globals';
import { COST, hashPassword, needsRehash, verifyPassword } from './argon2id.ts';

const CHEAP = { memory: 8, passes: 1, parallelism: 1 };

describe('a hashed password', () => {
  test('is a PHC string of argon2id at the cost that is promised', async () => {
    expect(COST).toEqual({ memory: 19_456, passes: 2, parallelism: 1 });
    expect(await hashPassword('correct horse')).toMatch(
      /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/,
    );
  });

  // Made with the reference implementation: `echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1 -l 32`.
  test('is known by its own parameters, also when another program made it', async () => {
    const foreign = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
    expect(await verifyPassword('password', foreign)).toBe(true);
    expect(await verifyPassword('Password', foreign)).toBe(false);
    expect(needsRehash(foreign)).toBe(true);
  });

  test('is another one each time, and matches only its password', async () => {
    const [one, other] = await Promise.all([hashPassword('a', CHEAP), hashPassword('a', CHEAP)]);
    expect(one).not.toBe(other);
    expect(await Promise.all([verifyPassword('a', one), verifyPassword('b', one)])).toEqual([true, false]);
    expect([needsRehash(one, CHEAP), needsRehash(one, { ...CHEAP, passes: 2 })]).toEqual([false, true]);
  });

  test.each([
    ['nothing', ''],
    ['another algorithm', '$2b$10$abcdefghijklmnopqrstuv'],
    ['a hash of no bytes', '$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$'],
  ])('is never %s', async (_sentence, stored) => {
    expect(await verifyPassword('', stored)).toBe(false);
    expect(needsRehash(stored)).toBe(true);
  });
});
