import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import type { TestServer } from '@orderplane/hack/testing/server.ts';
import { firstToken, type RefreshToken, successorOf } from './refresh-token.ts';
import { type Exchanged, GRACE_MS, type SessionStore } from './session-store.ts';

const KEY = Buffer.alloc(32, 7);
const TTL_MS = 600_000;
/** The real time, since Redis forgets by its own clock. */
const START = Date.now();

/** What every store of logins must do. `server` is where it keeps them. */
export function sessionStoreConformance(name: string, open: () => { store: SessionStore; server: TestServer }): void {
  describe(`logins kept in ${name}`, () => {
    let store: SessionStore;
    let userId: string;
    let first: RefreshToken;
    beforeEach(async () => {
      store = open().store;
      userId = randomUUID();
      first = firstToken();
      await store.open({
        id: first.sessionId,
        userId,
        passwordVersion: 1,
        tokenHash: first.hash,
        expiresAt: after(TTL_MS),
      });
    });

    const exchange = (token: RefreshToken, ms: number, ttlMs = TTL_MS, key = KEY): Promise<Exchanged> =>
      store.exchange({
        sessionId: token.sessionId,
        tokenHash: token.hash,
        successorHash: successorOf(token, key).hash,
        at: after(ms),
        expiresAt: after(ms + ttlMs),
      });
    const outcomes = async (...steps: [token: RefreshToken, ms: number][]) => {
      const found: string[] = [];
      for (const [token, ms] of steps) found.push((await exchange(token, ms)).outcome);
      return found;
    };
    const chain = (length: number) => {
      const tokens = [first];
      while (tokens.length < length) tokens.push(successorOf(tokens.at(-1)!, KEY));
      return tokens as [RefreshToken, RefreshToken, RefreshToken, ...RefreshToken[]];
    };

    test('a token works once, and then its successor', async () => {
      const [a, b, c] = chain(3);
      expect(await exchange(a, 0)).toEqual({ outcome: 'exchanged', expiresAt: after(TTL_MS) });
      expect(await outcomes([b, 60_000], [c, 120_000])).toEqual(['exchanged', 'exchanged']);
      expect(await store.find(a.sessionId, after(120_000))).toEqual({ id: a.sessionId, userId, passwordVersion: 1 });
    });

    test('used again within the grace, a token gives what it gave, as often as it is asked', async () => {
      const [a, b] = chain(2);
      await exchange(a, 0);
      expect(await exchange(a, GRACE_MS)).toEqual({ outcome: 'repeated', expiresAt: after(TTL_MS) });
      expect(await outcomes([a, GRACE_MS], [b, GRACE_MS])).toEqual(['repeated', 'exchanged']);
    });

    test.each<[string, (tokens: ReturnType<typeof chain>) => [RefreshToken, number][]]>([
      ['used again after the grace', ([a]) => [[a, 0], [a, GRACE_MS + 1]]],
      ['used again within the grace, when its successor has been used', ([a, b]) => [[a, 0], [b, 1], [a, 2]]],
      ['used again long after it was followed by others', ([a, b, c]) => [[a, 0], [b, 60_000], [c, 120_000], [a, 180_000]]],
    ])('a token that is %s ends its login', async (_sentence, steps) => {
      const tokens = chain(5);
      const found = await outcomes(...steps(tokens));
      expect(found.at(-1)).toBe('reused');
      const ms = 200_000;
      expect(await store.find(first.sessionId, after(ms))).toBeUndefined();
      expect(await outcomes(...tokens.map((token): [RefreshToken, number] => [token, ms]))).toEqual(
        tokens.map(() => 'unknown'),
      );
    }); // prettier-ignore

    test('of fifty who use a token at once one exchanges it, and all get the same', async () => {
      const found = await Promise.all(Array.from({ length: 50 }, (_, index) => exchange(first, index)));
      expect(found.map(({ outcome }) => outcome).toSorted()).toEqual(['exchanged', ...Array(49).fill('repeated')]);
      expect((await exchange(successorOf(first, KEY), 100)).outcome).toBe('exchanged');
    });

    test('of fifty who use an old token at once one ends the login, and nobody gets anything', async () => {
      await exchange(first, 0);
      const found = await Promise.all(Array.from({ length: 50 }, () => exchange(first, GRACE_MS + 1)));
      expect(found.map(({ outcome }) => outcome).toSorted()).toEqual(['reused', ...Array(49).fill('unknown')]);
    });

    test('a token that was never given out is unknown, and ends nothing', async () => {
      const [a, b] = chain(2);
      const forged = successorOf(a, Buffer.alloc(32, 8));
      expect(await outcomes([forged, 0], [b, 0], [a, 0])).toEqual(['unknown', 'unknown', 'exchanged']);
    });

    test('a token whose successor cannot be told any more, as the key has changed, is unknown and ends nothing', async () => {
      const [a, b] = chain(2);
      await exchange(a, 0);
      expect((await exchange(a, 1, TTL_MS, Buffer.alloc(32, 8))).outcome).toBe('unknown');
      expect((await exchange(b, 2)).outcome).toBe('exchanged');
    });

    test('a login that nobody goes on with expires, and each exchange puts that off', async () => {
      const [a, b] = chain(2);
      expect(await outcomes([a, TTL_MS - 1], [b, 2 * TTL_MS - 2])).toEqual(['exchanged', 'exchanged']);
      expect(await store.find(a.sessionId, after(3 * TTL_MS - 3))).toBeDefined();
      expect(await store.find(a.sessionId, after(3 * TTL_MS - 2))).toBeUndefined();
      const c = successorOf(b, KEY);
      expect(await outcomes([c, 3 * TTL_MS - 2])).toEqual(['unknown']);
    });

    test('a used token is forgotten when it would have expired', async () => {
      const [a, b, c] = chain(4);
      expect(await outcomes([a, 0], [b, TTL_MS - 1], [a, TTL_MS], [c, TTL_MS])).toEqual([
        'exchanged',
        'exchanged',
        'unknown',
        'exchanged',
      ]);
    });

    test.each<[string, (tokens: RefreshToken[]) => RefreshToken | undefined]>([
      ['the token that works', (tokens) => tokens[2]],
      ['one that was used', (tokens) => tokens[0]],
    ])('ends by %s', async (_sentence, pick) => {
      const tokens = chain(3);
      await outcomes([tokens[0], 0], [tokens[1], 1]);
      const { sessionId, hash } = pick(tokens)!;
      await store.end({ sessionId, hash });
      expect(await outcomes([tokens[2], 2], [tokens[0], 2])).toEqual(['unknown', 'unknown']);
      await store.end({ sessionId, hash });
    });

    test('does not end by a token that is none of its', async () => {
      const { hash } = firstToken();
      await store.end({ sessionId: first.sessionId, hash });
      expect(await outcomes([first, 0])).toEqual(['exchanged']);
    });

    test("takes over a new password's version, for its own user only", async () => {
      await store.keep({ id: first.sessionId, userId: randomUUID(), passwordVersion: 2 });
      expect(await store.find(first.sessionId, after(0))).toMatchObject({ passwordVersion: 1 });
      await store.keep({ id: first.sessionId, userId, passwordVersion: 2 });
      await exchange(first, 0);
      expect(await store.find(first.sessionId, after(0))).toMatchObject({ passwordVersion: 2 });
      const gone = randomUUID();
      await store.keep({ id: gone, userId, passwordVersion: 2 });
      expect(await store.find(gone, after(0))).toBeUndefined();
    });

    test('an exchange that was answered holds over a kill -9 of the server', async () => {
      const { server } = open();
      const [a, b] = chain(2);
      await exchange(a, 0);
      await server.kill();
      await expect(exchange(b, 1)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
      await server.start();
      await untilAnswered(() => store.find(a.sessionId, after(0)));
      expect(await outcomes([a, 1], [b, 2], [a, 3])).toEqual(['repeated', 'exchanged', 'reused']);
    });
  });
}

function after(ms: number): Date {
  return new Date(START + ms);
}

async function untilAnswered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      expect(error).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
