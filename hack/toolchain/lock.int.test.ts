import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withLock } from './lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orderplane-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('one at a time, also within a process, and after a failure', async () => {
  const path = join(folder, 'lock');
  let running = 0;
  const seen: number[] = [];
  const work = async (index: number) => {
    seen.push(++running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    if (index === 1) throw new Error('failed while holding the lock');
  };
  const results = await Promise.allSettled([0, 1, 2, 3].map((index) => withLock(path, () => work(index))));
  expect(seen).toEqual([1, 1, 1, 1]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
});

test('a holder that is killed frees it', async () => {
  const path = join(folder, 'lock');
  const program = `
    const { withLock } = await import('${import.meta.resolve('./lock.ts')}');
    await withLock('${path}', () => { console.log('held'); return new Promise(() => setInterval(() => {}, 1000)); });`;
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  const waited = Promise.withResolvers<void>();
  const taken = withLock(path, async () => 'taken', waited.resolve);
  await waited.promise;
  holder.kill('SIGKILL');
  expect(await taken).toBe('taken');
});
