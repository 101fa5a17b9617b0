import { randomBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { firstToken, parseToken, successorOf } from './refresh-token.ts';

const key = randomBytes(32);

describe('a refresh token', () => {
  test('is read back as it was made', () => {
    const token = firstToken();
    expect(parseToken(token.text)).toEqual(token);
    expect(firstToken()).not.toEqual(token);
  });

  test('has one successor, of the same login, which only the key leads to', () => {
    const token = firstToken();
    const successor = successorOf(token, key);
    expect(successorOf(token, key)).toEqual(successor);
    expect(successor).toMatchObject({ sessionId: token.sessionId, hash: expect.not.stringMatching(token.hash) });
    expect(successorOf(token, randomBytes(32)).hash).not.toBe(successor.hash);
    expect(successorOf(successor, key).hash).not.toBe(successor.hash);
  });

  test.each([
    ['nothing', ''],
    ['too short', 'a'.repeat(63)],
    ['too long', 'a'.repeat(65)],
    ['of another alphabet', `${'a'.repeat(63)}+`],
    ['an access token', 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ1In0.c2lnbmF0dXJl'],
  ])('is not what is %s', (_sentence, text) => {
    expect(parseToken(text)).toBeUndefined();
  });
});
