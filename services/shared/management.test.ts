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

test('a check that passed makes its service unready when it has failed for more than ten seconds, and not before it ever passed', async () => {
  let seconds = 0;
  const readiness = createReadiness(createLogger('test', 'silent'), () => seconds * 1000);
  let isAway = true;
  const run = async () => {
    if (isAway) throw new Error('connection refused');
  };
  readiness.add({ name: 'postgres', critical: true, run });
  readiness.start();
  const at = async (time: number) => {
    seconds = time;
    return readiness.report();
  };

  expect(await at(0)).toEqual({ ready: false, checks: { postgres: 'failing' } });
  isAway = false;
  expect(await at(1)).toEqual({ ready: true, checks: { postgres: 'ok' } });
  isAway = true;
  expect(await at(11)).toEqual({ ready: true, checks: { postgres: 'failing' } });
  expect(await at(11.1)).toEqual({ ready: false, checks: { postgres: 'failing' } });
  isAway = false;
  expect(await at(12)).toEqual({ ready: true, checks: { postgres: 'ok' } });
});
