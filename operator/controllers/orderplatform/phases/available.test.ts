import { describe, expect, test } from '@jest/globals';
import { APPLIED_TEMPLATE_ANNOTATION } from '../../../resources/labels.ts';
import type { Deployment } from '../../../runtime/index.ts';
import { isAvailable } from './available.ts';

interface Facts {
  uid?: string;
  image?: string;
  generation?: number;
  observed?: number;
  wanted?: number;
  pods?: number;
  updated?: number;
  available?: number;
}

function deployment({ uid = 'd', image = 'a', generation = 1, observed = generation, wanted = 1, pods = wanted, updated = pods, available = pods }: Facts) {
  const template = { spec: { containers: [{ name: 'main', image }] } };
  const annotations = { [APPLIED_TEMPLATE_ANNOTATION]: JSON.stringify(template) };
  return {
    metadata: { name: 'shop-mine', namespace: 'n', uid, generation, annotations },
    spec: { replicas: wanted, template },
    status: { observedGeneration: observed, replicas: pods, updatedReplicas: updated, availableReplicas: available, unavailableReplicas: pods - available },
  } as unknown as Deployment;
} // prettier-ignore

describe('a Deployment with a number of pods of its own is available', () => {
  test.each<[string, Facts, boolean]>([
    ['when all its pods are', { wanted: 3 }, true],
    ['not while one starts', { wanted: 3, available: 2 }, false],
    ['not while one is of an older template', { wanted: 3, updated: 2 }, false],
    ['not while its controller has not seen it', { generation: 2, observed: 1 }, false],
  ])('%s', (_sentence, facts, expected) => expect(isAvailable(deployment(facts))).toBe(expected));

  test('not while its controller has not seen that there are to be more of them', () => {
    expect(isAvailable(deployment({}))).toBe(true);
    expect(isAvailable(deployment({ generation: 2, observed: 1, wanted: 2, pods: 1 }))).toBe(false);
  });
});

describe('a Deployment with an autoscaler is available', () => {
  test('while its controller has not seen yet that there are to be more pods', () => {
    expect(isAvailable(deployment({ uid: 'scaled' }), 1)).toBe(true);
    expect(isAvailable(deployment({ uid: 'scaled', generation: 2, observed: 1, wanted: 3, pods: 1 }), 1)).toBe(true);
    expect(isAvailable(deployment({ uid: 'scaled', generation: 2, wanted: 3, available: 1 }), 1)).toBe(true);
    expect(isAvailable(deployment({ uid: 'scaled', generation: 2, wanted: 3, available: 0 }), 1)).toBe(false);
  });

  test('not while its controller has not seen its template', () => {
    expect(isAvailable(deployment({ uid: 'changed' }), 1)).toBe(true);
    expect(isAvailable(deployment({ uid: 'changed', image: 'b', generation: 2, observed: 1 }), 1)).toBe(false);
  });

  test('not when its template came back, and its controller has seen the other one only', () => {
    expect(isAvailable(deployment({ uid: 'returned' }), 1)).toBe(true);
    expect(isAvailable(deployment({ uid: 'returned', generation: 3, observed: 2 }), 1)).toBe(false);
  });

  test('not while nobody knows what its status is about', () => {
    expect(isAvailable(deployment({ uid: 'unknown', generation: 2, observed: 1 }), 1)).toBe(false);
  });
});
