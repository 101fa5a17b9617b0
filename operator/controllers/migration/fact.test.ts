import { expect, test } from '@jest/globals';
import { migrationSpec, type Migration, type MigrationStatus, type OrderPlatform } from '../../api/v1alpha1/index.ts';
import type { RunProgress } from '../runs/advance.ts';
import type { Policed } from './approval.ts';
import { migrationFact } from './fact.ts';

const HASH = '0123456789abcdef';
const own: Policed = { namespace: 'shop', name: 'reports' };
const platform = (migrations?: OrderPlatform['spec']['migrations']): OrderPlatform => ({
  metadata: { name: 'shop', namespace: 'shop' },
  spec: { ...(migrations && { migrations }) },
});
const ofRelease = (migrations?: OrderPlatform['spec']['migrations']): Policed => ({
  namespace: 'shop',
  name: 'shop-orders',
  release: { platform: platform(migrations), service: 'orders' },
});
const specOf = (fields: Partial<Migration['spec']>) =>
  migrationSpec.parse({
    platformRef: { name: 'shop' },
    engine: 'postgres',
    database: 'reports',
    source: { configMapRef: { name: 'sql' } },
    ...fields,
  });

const drop = {
  file: '0003_drop.up.sql',
  line: 4,
  rule: 'drop-column',
  severity: 'Destructive' as const,
  statement: 'ALTER TABLE products DROP COLUMN price',
};
const index = { file: '0002_index.up.sql', line: 1, rule: 'index-not-concurrent', severity: 'Blocking' as const, statement: 'CREATE INDEX ON products (name)' }; // prettier-ignore
const plan = { direction: 'Up' as const, pending: ['0002_index.up.sql', '0003_drop.up.sql'], findings: [index, drop] };
const planned: MigrationStatus = { currentVersion: '0001', planHash: HASH, plan };

const settled: RunProgress = { record: undefined, isSettled: true };
const refused = (reason: string): RunProgress => ({
  record: undefined,
  isSettled: false,
  failure: { number: 1, inputHash: 'a', outcome: 'Failed', failures: 1, reason, message: 'as the Job has it' },
});

const approve = (kind: string, name: string, patch: object) =>
  `kubectl -n shop patch ${kind} ${name} --type merge -p '${JSON.stringify(patch)}'`;

test.each<[string, Policed, Partial<Migration['spec']>, MigrationStatus, RunProgress, string]>([
  ['at its version', own, {}, { currentVersion: '0003' }, settled, 'holds UpToDate: reports is at version 0003'],
  ['without any migration', own, { toVersion: '0' }, { currentVersion: '' }, settled, 'holds UpToDate: reports has no migrations'],
  ['held back by toVersion', own, { toVersion: '0002' }, { currentVersion: '0002', pending: ['0003_drop.up.sql'] }, settled, 'holds UpToDate: reports is at version 0002, as wanted; beyond it there is 0003_drop.up.sql'],
  ['newer than its source', own, {}, { currentVersion: '0005', ahead: true }, settled, 'holds Ahead: reports is at version 0005, which is newer than the newest of the source'],
  ['planned', own, { mode: 'Plan' }, planned, settled, `holds PlanReady: reports is at version 0001; plan ${HASH} would apply 0002_index.up.sql, 0003_drop.up.sql; look at 0002_index.up.sql:1 index-not-concurrent (CREATE INDEX ON products (name)), 0003_drop.up.sql:4 drop-column (ALTER TABLE products DROP COLUMN price)`],
  ['planned with nothing to do', own, { mode: 'Plan' }, { currentVersion: '0003' }, settled, 'holds UpToDate: reports is at version 0003'],
  ['waiting for approval', own, { policy: { destructive: 'RequireApproval' } }, planned, refused('ApprovalRequired'), `stalled ApprovalRequired: plan ${HASH} would apply 0002_index.up.sql, 0003_drop.up.sql, and waits for approval of 0003_drop.up.sql:4 drop-column (ALTER TABLE products DROP COLUMN price). To approve it: ${approve('migration', 'reports', { spec: { approval: { planHash: HASH } } })}`],
  ['approved for what it was before', own, { policy: { destructive: 'RequireApproval' }, approval: { planHash: 'f'.repeat(16) } }, planned, refused('ApprovalRequired'), `Plan ffffffffffffffff was approved, which is another: what is pending has changed since. To approve it: `],
  ['of the release and waiting for approval', ofRelease(), { policy: { destructive: 'RequireApproval' } }, planned, refused('ApprovalRequired'), approve('orderplatform', 'shop', { spec: { migrations: { approvals: [{ service: 'orders', planHash: HASH }] } } })],
  ['of the release, beside other approvals', ofRelease({ approvals: [{ service: 'inventory', planHash: 'a'.repeat(16) }, { service: 'orders', planHash: 'b'.repeat(16) }] }), { policy: { destructive: 'RequireApproval' } }, planned, refused('ApprovalRequired'), approve('orderplatform', 'shop', { spec: { migrations: { approvals: [{ service: 'inventory', planHash: 'a'.repeat(16) }, { service: 'orders', planHash: HASH }] } } })],
  ['rejected', own, {}, planned, refused('DestructiveRejected'), `stalled DestructiveRejected: plan ${HASH} would apply 0002_index.up.sql, 0003_drop.up.sql, and is refused for 0003_drop.up.sql:4 drop-column (ALTER TABLE products DROP COLUMN price). Nothing was applied. To have a person decide, set spec.policy.destructive to RequireApproval; to have it applied, to Allow`],
  ['of the release and rejected', ofRelease(), {}, planned, refused('DestructiveRejected'), 'set spec.migrations.policy.destructive of OrderPlatform shop to RequireApproval'],
  ['not let down', own, { toVersion: '0001' }, { currentVersion: '0002', planHash: HASH, plan: { direction: 'Down', pending: ['0002_index.down.sql'], findings: [] } }, refused('DownRefused'), `stalled DownRefused: reports is at version 0002, and toVersion is 0001: plan ${HASH} would undo by 0002_index.down.sql. Set toVersion to latest, or spec.policy.down to Allow`],
  ['refused without a plan', own, {}, {}, refused('DownRefused'), 'stalled DownRefused: migrating reports failed: as the Job has it'],
  ['run again after a refusal', own, {}, planned, { ...refused('StatementFailed'), running: 'x-2', words: { progress: 'file 1 of 2' } }, 'stalled StatementFailed: migrating reports failed: as the Job has it; tried again (Job x-2): file 1 of 2'],
])('a database %s is told of so', (_, policed, spec, status, progress, told) => {
  const { state, reason, message } = migrationFact({ policed, spec: specOf(spec), status, progress });
  expect(`${state} ${reason}: ${message}`).toContain(told);
}); // prettier-ignore

test('of many findings with long statements the command that approves is not cut off', () => {
  const findings = Array.from({ length: 50 }, (_, i) => ({ ...drop, line: i, statement: 'x'.repeat(1000) }));
  const pending = Array.from({ length: 200 }, (_, i) => `${i}_${'y'.repeat(60)}.up.sql`);
  const status = { planHash: HASH, plan: { direction: 'Up' as const, pending, findings } };
  const spec = specOf({ policy: { destructive: 'RequireApproval' } });
  const { message } = migrationFact({ policed: own, spec, status, progress: refused('ApprovalRequired') });
  expect(message.length).toBeLessThanOrEqual(1024);
  expect(message).toContain('and 47 more');
});
