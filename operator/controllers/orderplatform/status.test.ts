import { describe, expect, test } from '@jest/globals';
import { STAGES, type Stage } from '../../api/v1alpha1/index.ts';
import { findCondition, type Condition } from '../../runtime/index.ts';
import { holds, pending, stalled, waiting, type Fact } from '../fact.ts';
import { withReady, withStage } from '../ready.ts';
import { readyFact } from './status.ts';

const NOW = new Date('2026-01-01T00:00:00Z');
const LATER = new Date('2026-01-01T00:05:00Z');

/** The facts of a platform in which everything holds but what is said. */
const factsWith = (others: Partial<Record<Stage, Fact>>) =>
  new Map(STAGES.map((stage) => [stage, others[stage] ?? holds('Ready', 'fine')] as const));

const derive = (others: Partial<Record<Stage, Fact>>, before?: Condition[], now = NOW, generation = 3): Condition[] => {
  const facts = factsWith(others);
  const staged = [...facts].reduce<Condition[] | undefined>(
    (list, [stage, fact]) => withStage(list, stage, fact, generation, now),
    before,
  );
  return withReady(staged, readyFact({ facts, available: new Set(['a', 'b']) }), generation, now);
};

const brief = (conditions: Condition[], ...types: string[]) =>
  types.map((type) => {
    const found = findCondition(conditions, type);
    return found ? `${type} ${found.status} ${found.reason}: ${found.message}` : `no ${type}`;
  });

describe('a platform', () => {
  test.each<[string, Partial<Record<Stage, Fact>>, string[]]>([
    ['in which everything holds is Ready', {}, ['Ready True Ready: all 2 services are available', 'no Reconciling', 'no Stalled']],
    [
      'that waits names the first cause only',
      { StoresReady: waiting('StoreNotReady', 'postgres is starting'), ServicesAvailable: waiting('WaitingForRequirement', 'orders waits') },
      ['Ready False StoreNotReady: postgres is starting', 'Reconciling True StoreNotReady: postgres is starting', 'no Stalled'],
    ],
    [
      'does not blame what was only not looked at yet',
      { CredentialsReady: pending('waits for a Secret'), StoresReady: waiting('SecretMissing', 'Secret rds does not exist') },
      ['Ready False SecretMissing: Secret rds does not exist', 'Reconciling True SecretMissing: Secret rds does not exist', 'no Stalled'],
    ],
    [
      'that needs a person is Stalled, and not Reconciling',
      { SchemaCurrent: stalled('EditedMigration', '0001 was edited') },
      ['Ready False EditedMigration: 0001 was edited', 'no Reconciling', 'Stalled True EditedMigration: 0001 was edited'],
    ],
  ])('%s', (_, facts, expected) => {
    expect(brief(derive(facts), 'Ready', 'Reconciling', 'Stalled')).toEqual(expected);
  }); // prettier-ignore

  test('that recovers is neither Reconciling nor Stalled any more', () => {
    for (const fault of [waiting('A', 'a'), stalled('B', 'b')]) {
      const after = derive({}, derive({ StoresReady: fault }));
      expect(brief(after, 'Ready', 'Reconciling', 'Stalled').slice(1)).toEqual(['no Reconciling', 'no Stalled']);
    }
  });

  test('that goes from waiting to stalled is not both', () => {
    const after = derive({ StoresReady: stalled('B', 'b') }, derive({ StoresReady: waiting('A', 'a') }));
    expect(brief(after, 'Reconciling', 'Stalled')).toEqual(['no Reconciling', 'Stalled True B: b']);
  });
});

test('a stage that was not looked at is Unknown', () => {
  expect(findCondition(derive({ OrderFlowVerified: pending('waits') }), 'OrderFlowVerified')?.status).toBe('Unknown');
});

test('a condition carries the generation that it was found for, and the time when its status changed', () => {
  const first = derive({});
  const same = derive({}, first, LATER, 4);
  expect(findCondition(same, 'Ready')).toMatchObject({
    observedGeneration: 4,
    lastTransitionTime: '2026-01-01T00:00:00Z',
  });
  const changed = derive({ StoresReady: waiting('A', 'a') }, same, LATER, 4);
  expect(findCondition(changed, 'Ready')?.lastTransitionTime).toBe('2026-01-01T00:05:00Z');
});
