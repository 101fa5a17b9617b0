import { expect, test } from '@jest/globals';
import { createLogger } from './log.ts';
import { createReadiness } from './management.ts';

test('why a check fails is logged when it begins to, and that it passes again', async () => {
  const lines: { level: string; msg: string; err?: { message: string } }[] = [];
  const readiness = createReadiness(
    createLogger('test', 'info', { write: (line) => void lines.push(JSON.parse(line)) }),
  );
  let isAway = true;
  const run = async () => {
    if (isAway) throw new Error('connection refused');
  };
  readiness.add({ name: 'postgres', critical: true, run });
  readiness.start();

  expect(await readiness.report()).toEqual({ ready: false, checks: { postgres: 'failing' } });
  expect(await readiness.report()).toEqual({ ready: false, checks: { postgres: 'failing' } });
  isAway = false;
  expect(await readiness.report()).toEqual({ ready: true, checks: { postgres: 'ok' } });

  expect(lines).toMatchObject([
    { level: 'warn', msg: expect.stringContaining('readiness check postgres'), err: { message: 'connection refused' } },
    { level: 'info', msg: 'readiness check postgres: works again' },
  ]);
});
