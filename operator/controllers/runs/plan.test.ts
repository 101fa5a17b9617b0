import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { planRun, recordOf, superfluousRuns, type ObservedRun, type RunPlan, type RunRecord } from './plan.ts';

const NOW = new Date('2026-01-01T00:01:00Z');
const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1000).toISOString();

const run = (number: number, fields: Partial<ObservedRun> = {}): ObservedRun => ({
  name: `run-${number}`,
  number,
  inputHash: 'new',
  hasStarted: true,
  startedAt: ago(30),
  end: undefined,
  ...fields,
});
const succeeded = { outcome: 'Succeeded' as const, result: {}, finishedAt: ago(1) };
const failed = { outcome: 'Failed' as const, reason: 'X', message: 'x', finishedAt: ago(1) };
const record = (number: number, fields: Partial<RunRecord> = {}): RunRecord => ({
  number,
  inputHash: 'new',
  outcome: 'Succeeded',
  failures: 0,
  finishedAt: ago(1),
  ...fields,
});

describe('a Job', () => {
  test.each<[string, RunRecord | undefined, ObservedRun[], RunPlan]>([
    ['starts when it never ran', undefined, [], { step: 'start', number: 1 }],
    ['is awaited while it runs', undefined, [run(1)], { step: 'await', run: run(1) }],
    ['is recorded once it has ended', undefined, [run(1, { end: succeeded })], { step: 'record', run: run(1, { end: succeeded }), end: succeeded }],
    ['is settled when it has succeeded for the input', record(1), [run(1, { end: succeeded })], { step: 'settled' }],
    ['is settled although its Jobs were all deleted', record(3), [], { step: 'settled' }],
    ['starts again for another input', record(1, { inputHash: 'old' }), [], { step: 'start', number: 2 }],
    ['starts again for an input that was there before another', record(2, { inputHash: 'other' }), [run(1, { end: succeeded }), run(2, { end: succeeded, inputHash: 'other' })], { step: 'start', number: 3 }],
    ['waits a second after its first failure', record(1, { outcome: 'Failed', failures: 1, finishedAt: ago(0) }), [], { step: 'backOff', ms: 1000 }],
    ['waits twice as long after each failure', record(4, { outcome: 'Failed', failures: 4, finishedAt: ago(3) }), [], { step: 'backOff', ms: 5000 }],
    ['waits five minutes at most', record(40, { outcome: 'Failed', failures: 40, finishedAt: ago(0) }), [], { step: 'backOff', ms: 300_000 }],
    ['is tried again after that', record(4, { outcome: 'Failed', failures: 4, finishedAt: ago(9) }), [], { step: 'start', number: 5 }],
    ['is not repeated after a refusal, however long ago', record(4, { outcome: 'Failed', failures: 1, reason: 'ApprovalRequired', finishedAt: ago(9000) }), [], { step: 'refused' }],
    ['starts at once for another input after a refusal', record(4, { outcome: 'Failed', failures: 1, reason: 'ApprovalRequired', inputHash: 'old' }), [], { step: 'start', number: 5 }],
    ['does not wait for a failure of another input', record(4, { outcome: 'Failed', failures: 9, finishedAt: ago(0), inputHash: 'old' }), [], { step: 'start', number: 5 }],
    ['is taken back when its input changed before it began', undefined, [run(1, { inputHash: 'old', hasStarted: false })], { step: 'takeBack', run: run(1, { inputHash: 'old', hasStarted: false }) }],
    ['is left to end when its input changed after that', undefined, [run(1, { inputHash: 'old' })], { step: 'await', run: run(1, { inputHash: 'old' }) }],
  ])('%s', (_, last, runs, plan) => {
    expect(planRun('new', last, runs, NOW)).toEqual(plan);
  }); // prettier-ignore

  test('is repeated by nobody after a kill: whatever is lost but the record and the Jobs, an input succeeds once', () => {
    const step = fc.record({ forgetStatus: fc.boolean(), fail: fc.boolean(), prune: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 30 }), (steps) => {
        let status: RunRecord | undefined;
        let jobs: ObservedRun[] = [];
        let successes = 0;
        for (const { forgetStatus, fail, prune } of steps) {
          const plan = planRun('new', status, jobs, new Date(NOW.getTime() + 1e9));
          if (plan.step === 'start') {
            expect(jobs.map(({ number }) => number)).not.toContain(plan.number);
            jobs = [...jobs, run(plan.number)];
          } else if (plan.step === 'await') {
            if (!fail) successes++;
            jobs = jobs.map((job) =>
              job.number === plan.run.number ? { ...job, end: fail ? failed : succeeded } : job,
            );
          } else if (plan.step === 'record' && !forgetStatus) {
            status = recordOf(plan.run, plan.end, status);
          } else if (plan.step === 'settled' && prune) {
            jobs = [];
          }
        }
        expect(successes).toBeLessThanOrEqual(1);
      }),
    );
  });
});

test('failures in a row are counted for one input', () => {
  const first = recordOf(run(1), failed, undefined);
  const second = recordOf(run(2), failed, first);
  const other = recordOf(run(3, { inputHash: 'other' }), failed, second);
  expect([first, second, other].map(({ failures }) => failures)).toEqual([1, 2, 1]);
});

test.each([
  ['old runs go, the newest three stay, and what is not recorded stays in any case', 5, 5, [2, 1]],
  ['the run that this visit records pushes out another', 5, 6, [3, 2, 1]],
  ['what the status does not tell of yet stays, however many there are', 1, 6, [1]],
])('%s', (_, stored, recorded, superfluous) => {
  const runs = [1, 2, 3, 4, 5, 6].map((number) => run(number, { end: failed }));
  expect(superfluousRuns(record(stored), record(recorded), runs).map(({ number }) => number)).toEqual(superfluous);
});
