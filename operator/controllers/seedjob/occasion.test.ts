import { describe, expect, test } from '@jest/globals';
import { occasionHash, type SeedOccasion } from '../../resources/seed-run.ts';
import { afterRuns, occasionOf, owedOccasion } from './occasion.ts';

describe('a run is owed', () => {
  test.each<[string, string | undefined, Parameters<typeof owedOccasion>[2], SeedOccasion | undefined]>([
    ['for an input that was never written', undefined, undefined, { trigger: 'Spec', inputHash: 'new' }],
    ['for another input than the one that was written', undefined, { inputHash: 'old' }, { trigger: 'Spec', inputHash: 'new' }],
    ['for none that was written', undefined, { inputHash: 'new' }, undefined],
    ['for a request that no run has dealt with', 'b', { inputHash: 'new', lastHandledRequestAt: 'a' }, { trigger: 'Request', inputHash: 'new', requestedAt: 'b' }],
    ['once a request', 'a', { inputHash: 'new', lastHandledRequestAt: 'a' }, undefined],
    ['not for a request that was taken back', undefined, { inputHash: 'new', lastHandledRequestAt: 'a' }, undefined],
    ['once for an input and a request that come together', 'b', { inputHash: 'old', lastHandledRequestAt: 'a' }, { trigger: 'Spec', inputHash: 'new', requestedAt: 'b' }],
  ])('%s', (_, requestedAt, told, owed) => {
    expect(owedOccasion('new', requestedAt, told)).toEqual(owed);
  }); // prettier-ignore
});

describe('the stores are known to have', () => {
  const a: SeedOccasion = { trigger: 'Spec', inputHash: 'a' };
  const b: SeedOccasion = { trigger: 'Spec', inputHash: 'b' };
  const request: SeedOccasion = { trigger: 'Request', inputHash: 'a', requestedAt: 'now' };
  const scheduled: SeedOccasion = { trigger: 'Schedule', inputHash: 'a', scheduledFor: '2026-01-01T00:00:00Z' };
  type Ended = Parameters<typeof afterRuns>[1];
  test.each<[string, Ended, SeedOccasion | undefined, Parameters<typeof afterRuns>[0]]>([
    ['what was written with success', { occasion: b, outcome: 'Succeeded' }, undefined, { inputHash: 'b' }],
    ['nothing for sure once another input has begun to be written', undefined, b, {}],
    ['nothing for sure after that has failed, so that the input of before would run again', { occasion: b, outcome: 'Failed' }, undefined, {}],
    ['the same while it is written again', undefined, scheduled, { inputHash: 'a' }],
    ['the same after that has failed', { occasion: scheduled, outcome: 'Failed' }, undefined, { inputHash: 'a' }],
    ['what was requested, which is dealt with by success alone', { occasion: request, outcome: 'Succeeded' }, undefined, { inputHash: 'a', lastHandledRequestAt: 'now' }],
    ['the same after a request that failed, which is still owed', { occasion: request, outcome: 'Failed' }, undefined, { inputHash: 'a' }],
    ['another thing than was written a moment ago, once that begins', { occasion: a, outcome: 'Succeeded' }, b, {}],
  ])('%s', (_, ended, writing, told) => {
    expect(afterRuns({ inputHash: 'a' }, ended, writing)).toEqual(told);
  }); // prettier-ignore
});

test('each request and each due time of one input is a run of its own, a new input is one whoever asked for it', () => {
  const hash = (occasion: Omit<SeedOccasion, 'inputHash'>) => occasionHash({ inputHash: 'a', ...occasion });
  expect(hash({ trigger: 'Spec' })).toBe(hash({ trigger: 'Spec', requestedAt: 'now' }));
  const hashes = [
    hash({ trigger: 'Spec' }),
    hash({ trigger: 'Request', requestedAt: '1' }),
    hash({ trigger: 'Request', requestedAt: '2' }),
    hash({ trigger: 'Schedule', scheduledFor: '1' }),
    hash({ trigger: 'Schedule', scheduledFor: '2' }),
  ];
  expect(new Set(hashes).size).toBe(hashes.length);
});

test('a Job of an operator that noted nothing is for its input', () => {
  expect(occasionOf({ inputHash: 'a' })).toEqual({ trigger: 'Spec', inputHash: 'a' });
});
