import { describe, expect, test } from '@jest/globals';
import { migrationSpec, type Migration } from '../api/v1alpha1/index.ts';
import { inlineFiles, migrationJob, type MigrationJobInput } from './migration-job.ts';

type Spec = Partial<Migration['spec']>;

const input = (spec: Spec = {}, more: Partial<MigrationJobInput> = {}): MigrationJobInput => {
  const source = { inline: [{ version: '0001', name: 'init', up: 'create table x()' }] };
  const parsed = migrationSpec.parse({ platformRef: { name: 'shop' }, engine: 'postgres', database: 'x', source, ...spec });
  return {
    name: 'x',
    namespace: 'shop',
    uid: 'u',
    generation: 1,
    spec: parsed,
    files: { description: 'inline', files: inlineFiles(parsed) },
    target: { adminSecret: 'admin', identity: 'volume', platform: 'shop', isManaged: true, isProvisioned: true, restorePoint: 'None' },
    operatorImage: 'operator:1',
    pullSecrets: [],
    ...more,
  };
}; // prettier-ignore

const hash = (spec?: Spec, more?: Partial<MigrationJobInput>) => migrationJob(input(spec, more)).inputHash;
const asking = (planHash: string): Spec => ({
  policy: { destructive: 'RequireApproval' },
  approval: { planHash },
});
const after = (outcome: 'Succeeded' | 'Failed', inputHash: string, handledRequestAt?: string) => ({
  last: { outcome, inputHash, handledRequestAt },
});

describe('a run is made', () => {
  test.each<[string, Spec]>([
    ['another mode', { mode: 'Plan' }],
    ['another version', { toVersion: '0001' }],
    ['a baseline', { baseline: '0001' }],
    ['another file', { source: { inline: [{ version: '0001', name: 'init', up: 'create table y()' }] } }],
    ['a restore point to go back to', { restoreFrom: { restorePoint: 'a' } }],
    ['a down file', { source: { inline: [{ version: '0001', name: 'init', up: 'create table x()', down: 'drop table x' }] } }],
  ])('for %s, also after one that succeeded', (_, spec) => {
    expect(hash(spec, after('Succeeded', hash()))).not.toBe(hash());
  }); // prettier-ignore

  test.each<[string, Spec]>([
    ['an approval', asking('0123456789abcdef')],
    ['another policy', { policy: { destructive: 'Allow' } }],
  ])('for %s after one that failed, and not after one that succeeded', (_, spec) => {
    expect(hash(spec, after('Failed', hash()))).not.toBe(hash());
    expect(hash(spec, after('Succeeded', hash()))).toBe(hash());
  });

  test('for a request by annotation, once', () => {
    const requested = hash({}, { requestedAt: 'now', ...after('Succeeded', hash()) });
    expect(requested).not.toBe(hash());
    for (const requestedAt of ['now', undefined]) {
      expect(hash({}, { requestedAt, ...after('Succeeded', requested, 'now') })).toBe(requested);
    }
    expect(hash({}, { requestedAt: 'again', ...after('Succeeded', requested, 'now') })).not.toBe(requested);
  });
});

test.each<[string, Spec, Partial<MigrationJobInput>]>([
  ['an operator of another image', {}, { operatorImage: 'operator:2' }],
  ['what the API server fills in', { mode: 'Apply', toVersion: 'latest', policy: { destructive: 'Reject', down: 'Refuse' } }, {}],
  ['what it waits for', { after: [{ migration: 'y' }] }, {}],
])('%s makes no run', (_, spec, more) => {
  expect(hash(spec, more)).toBe(hash());
}); // prettier-ignore

test('a run is told of the plan that was approved, and nothing that was not asked for', () => {
  expect(migrationJob(input()).input('x-1')).toEqual({ engine: 'postgres', database: 'x', platform: 'shop', source: { dir: '/migrations' }, mode: 'Apply', toVersion: 'latest', policy: {}, run: 'x-1' });
  expect(migrationJob(input({ ...asking('0123456789abcdef'), baseline: '0003' })).input('x-1')).toMatchObject({ approvedPlan: '0123456789abcdef', baseline: '0003', policy: { destructive: 'RequireApproval' } });
}); // prettier-ignore
