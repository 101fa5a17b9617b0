import { expect, test } from '@jest/globals';
import { fakeClock, type FakeClock, type Pod } from '../../runtime/index.ts';
import type { Deps } from '../deps.ts';
import { unfinishedRun } from './fact.ts';
import { readProgress } from './progress.ts';

const START = new Date('2026-01-01T00:00:00Z');
const PASSWORD = 'pa55word-of-the-admin';

const podWith = (state: object): Pod => ({
  metadata: { name: 'run', namespace: 'shop', uid: 'pod', creationTimestamp: START.toISOString() },
  status: {
    containerStatuses: [{ name: 'main', image: '', imageID: '', ready: true, restartCount: 0, state }],
  },
});
const running = podWith({ running: { startedAt: START.toISOString() } });

/** An operator whose API server gives out this log, or none; counts how often it is asked. */
function operator(log: { text: string | undefined }): Deps & { clock: FakeClock; reads: () => number } {
  let reads = 0;
  const client = {
    async podLogs() {
      reads++;
      if (log.text === undefined) throw new Error('the kubelet does not answer');
      return log.text;
    },
  };
  const data = { uri: Buffer.from(`postgres://admin:${PASSWORD}@db:5432/x`).toString('base64') };
  const caches = { secrets: { list: () => [{ metadata: { name: 'admin' }, data }] } };
  return { client, caches, clock: fakeClock(START), reads: () => reads } as never;
}

const { signal } = new AbortController();
const line = (fields: object) => JSON.stringify({ level: 'info', time: 1, ...fields });

test.each<[string, string, object]>([
  ['the last line that tells of progress counts', [line({ progress: 'file 1 of 7' }), line({ progress: 'file 2 of 7' }), line({ msg: 'applied' })].join('\n'), { progress: 'file 2 of 7' }],
  ['a lock that is waited for is told of', line({ lockHolder: 'orderplane-migrate a-1 (pid 7)' }), { lockHolder: 'orderplane-migrate a-1 (pid 7)' }],
  ['a lock that was waited for before is not', [line({ lockHolder: 'a' }), line({ progress: 'file 1 of 1' })].join('\n'), { progress: 'file 1 of 1' }],
  ['what is no JSON, or is cut, is passed over', [`"progress":"x"}`, line({ progress: 'file 1 of 1' }), 'null', '7', 'Warning: {'].join('\n'), { progress: 'file 1 of 1' }],
  ['a password is masked', line({ progress: `to postgres://admin:${PASSWORD}@db` }), { progress: 'to postgres://admin:***@db' }],
  ['a field of another type is none', line({ progress: { rows: 1 } }), {}],
])('%s', async (_, text, words) => {
  expect((await readProgress(operator({ text }), [running], { signal })).words).toEqual(words);
}); // prettier-ignore

test('the log of a Job is read every two seconds at most, and less often the longer it runs', async () => {
  const log = { text: line({ progress: 'file 1 of 2' }) as string | undefined };
  const deps = operator(log);
  const look = () => readProgress(deps, [running], { signal });
  for (let ms = 0; ms < 10_000; ms += 100) {
    await look();
    deps.clock.advance(100);
  }
  expect(deps.reads()).toBe(5);
  deps.clock.advance(3_600_000);
  expect((await look()).lookAgainMs).toBe(15_000);
});

test('what was said before stands while the log cannot be read, and between two readings', async () => {
  const log = { text: line({ progress: 'file 1 of 2' }) as string | undefined };
  const deps = operator(log);
  const look = async () => (await readProgress(deps, [running], { signal })).words.progress;
  const seen = [await look()];
  log.text = undefined;
  deps.clock.advance(2_000);
  seen.push(await look());
  log.text = line({ progress: 'file 2 of 2' });
  deps.clock.advance(1_000);
  seen.push(await look());
  deps.clock.advance(1_000);
  seen.push(await look());
  expect(seen).toEqual(['file 1 of 2', 'file 1 of 2', 'file 1 of 2', 'file 2 of 2']);
});

test.each<[string, Pod[]]>([
  ['has no pod', []],
  ['waits for its image', [podWith({ waiting: { reason: 'ContainerCreating' } })]],
  ['has ended', [podWith({ terminated: { exitCode: 0 } })]],
])('the log of a Job that %s is not asked for', async (_, pods) => {
  const deps = operator({ text: line({ progress: 'file 1 of 2' }) });
  expect([await readProgress(deps, pods, { signal }), deps.reads()]).toEqual([{ words: {} }, 0]);
});

const unfinished = { record: undefined, isSettled: false, running: 'x-1' };
const failure = {
  number: 1,
  inputHash: 'a',
  outcome: 'Failed' as const,
  failures: 1,
  reason: 'LockTimeout',
  message: 'too long',
};

test.each<[string, Parameters<typeof unfinishedRun>[0], string]>([
  ['how far it is', { ...unfinished, words: { progress: 'file 3 of 7' } }, 'waiting Progressing: seeding (Job x-1): file 3 of 7'],
  ['for whom it waits', { ...unfinished, words: { lockHolder: 'y-1' } }, 'waiting WaitingForLock: seeding (Job x-1) waits for y-1, which holds the lock'],
  ['what is wrong with its pod, before anything else', { ...unfinished, words: { progress: 'file 3 of 7' }, trouble: 'out of memory' }, 'waiting Running: seeding (Job x-1): out of memory'],
  ['why it failed before, and how far it is now', { ...unfinished, failure, words: { progress: 'file 1 of 7' } }, 'waiting LockTimeout: seeding failed: too long; tried again (Job x-1): file 1 of 7'],
  ['that a person is to decide', { ...unfinished, failure: { ...failure, reason: 'ApprovalRequired' } }, 'stalled ApprovalRequired: seeding failed: too long'],
])('a run tells %s', (_, progress, told) => {
  const { state, reason, message } = unfinishedRun(progress, 'seeding');
  expect(`${state} ${reason}: ${message}`).toBe(told);
}); // prettier-ignore
