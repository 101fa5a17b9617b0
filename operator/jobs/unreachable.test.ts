import { expect, test } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '../runtime/log.ts';
import { retryWhileUnreachable } from './unreachable.ts';

const FOR_MS = 600;
const reset = (): never => {
  throw Object.assign(new Error('gone'), { code: 'ECONNRESET' });
};
const BRIEF = async () => reset();
const LONG = () => delay(2 * FOR_MS).then(reset);

test.each<[string, (() => Promise<never>)[], string]>([
  ['is tried again when its server was not there for a moment', [BRIEF, BRIEF], 'done'],
  ['is tried again when it lost its server after longer than that is tried for', [LONG, BRIEF], 'done'],
  ['fails when its server is not there for so long', Array(20).fill(BRIEF), 'the server cannot be reached: gone'],
  ['fails when it loses its server again and again', Array(20).fill(() => delay(FOR_MS / 2).then(reset)), 'the server cannot be reached: gone'],
])('what a Job does %s', async (_, failures, end) => {
  let attempts = 0;
  const attempt = async () => (await failures[attempts++]?.()) ?? 'done';
  const { signal } = new AbortController();
  const options = { what: 'the server', signal, log: createLogger({ level: 'silent' as never }), forMs: FOR_MS };
  expect(await retryWhileUnreachable(attempt, options).catch((error: Error) => error.message)).toBe(end);
  expect(attempts).toBeLessThanOrEqual(10);
}, 30_000); // prettier-ignore
