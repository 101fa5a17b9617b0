import { describe, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { OrderPlatform, SeedJob } from '../../api/v1alpha1/index.ts';
import { plain } from '../output.ts';
import { drawOutcome, progressOf, refusalOf, requestState } from './report.ts';

type Run = NonNullable<NonNullable<SeedJob['status']>['runs']>[number];

const RUN: Run = {
  number: 12,
  inputHash: 'a',
  outcome: 'Succeeded',
  failures: 0,
  startedAt: '2026-01-01T00:00:00Z',
  finishedAt: '2026-01-01T00:00:07Z',
  trigger: 'Request',
  requestedAt: 'now',
  datasets: [
    { name: 'products', inserted: 0, updated: 1, skipped: 999_999, deleted: 0 },
    { name: 'price-lists', inserted: 12, updated: 0, skipped: 3, deleted: 4 },
  ],
};
const FAILED: Run = {
  ...RUN,
  outcome: 'Failed',
  failures: 1,
  reason: 'SeedRejected',
  message: 'dataset "products": row 7: price must not be null',
  datasets: [],
};
const HALF: Run = {
  ...FAILED,
  message: 'dataset "price-lists": row 7: price must not be null',
  datasets: RUN.datasets?.slice(0, 1),
};

/** Written anew by `UPDATE_GOLDEN=1 node hack/jest.ts operator/cli`; the diff is what a review reads. */
function expectGolden(name: string, text: string): void {
  const path = join(import.meta.dirname, '../golden', name);
  if (process.env.UPDATE_GOLDEN) writeFileSync(path, `${text}\n`);
  expect(`${text}\n`).toBe(readFileSync(path, 'utf8'));
}

test.each([
  ['reseed-succeeded', RUN],
  ['reseed-failed', FAILED],
  ['reseed-half-done', HALF],
])('the end of a run is told as reviewed: %s', (name, run) => {
  expectGolden(`${name}.txt`, drawOutcome('catalogue', run, plain).join('\n'));
});

type Told = { type: string; status: string; reason: string; message: string; observedGeneration?: number };

function seed(runs: Run[], ...conditions: Told[]): SeedJob {
  const told = conditions.map((condition) => ({
    observedGeneration: 1,
    lastTransitionTime: '2026-01-01T00:00:00Z',
    ...condition,
  }));
  const metadata = { name: 'catalogue', namespace: 'shop', generation: 1 };
  return {
    metadata,
    spec: { platformRef: { name: 'shop' } },
    status: { runs, conditions: told },
  } as unknown as SeedJob;
}
const platform = (suspend: boolean) => ({ metadata: { name: 'shop' }, spec: { suspend } }) as unknown as OrderPlatform;
const UNCONFIRMED: Told = {
  type: 'Stalled',
  status: 'True',
  reason: 'ConfirmationRequired',
  message: 'set spec.confirm to "abcd"',
};

describe('a SeedJob', () => {
  test.each<[string, SeedJob, OrderPlatform | undefined, string | undefined]>([
    ['can run', seed([]), platform(false), undefined],
    ['can run again after it was rejected', seed([], { ...UNCONFIRMED, reason: 'SeedRejected' }), platform(false), undefined],
    ['does not run without its platform', seed([]), undefined, 'which does not exist in namespace shop'],
    ['does not run while its platform is suspended', seed([]), platform(true), 'OrderPlatform shop is suspended, and its seeds do not run: set its spec.suspend to false first'],
    ['does not run before it is confirmed', seed([], UNCONFIRMED), platform(false), 'SeedJob catalogue does not run: set spec.confirm to "abcd"'],
    ['can run where that was said of what it was before', seed([], { ...UNCONFIRMED, observedGeneration: 0 }), platform(false), undefined],
  ])('%s', (_, object, its, refusal) => {
    const said = refusalOf(object, its);
    if (refusal === undefined) expect(said).toBeUndefined();
    else expect(said).toContain(refusal);
  }); // prettier-ignore
});

describe('a request', () => {
  test.each<[string, SeedJob, ReturnType<typeof requestState>]>([
    ['is pending while no run has dealt with it', seed([{ ...RUN, requestedAt: 'before' }]), { kind: 'pending' }],
    ['ends with its run', seed([{ ...RUN, number: 13, trigger: 'Schedule', requestedAt: undefined }, RUN]), { kind: 'ended', run: RUN }],
    ['ends with a run that failed', seed([FAILED]), { kind: 'ended', run: FAILED }],
    ['is refused where a person is needed first', seed([], UNCONFIRMED), { kind: 'refused', why: 'SeedJob catalogue does not run: set spec.confirm to "abcd"' }],
  ])('%s', (_, object, state) => {
    expect(requestState(object, 'now')).toEqual(state);
  }); // prettier-ignore

  test('gets on in the words of the operator', () => {
    const message = 'seeding (Job x-1): products: 120000 of 1000000 rows';
    expect(progressOf(seed([], { type: 'Ready', status: 'False', reason: 'Running', message }))).toBe(message);
    expect(
      progressOf(seed([], { type: 'Ready', status: 'True', reason: 'Applied', message: 'the seed has run' })),
    ).toBe('asked for; the operator is about to start it');
  });
});
