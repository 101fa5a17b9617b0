import { describe, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Migration, MigrationStatus, OrderPlatform } from '../../api/v1alpha1/index.ts';
import { plain } from '../output.ts';
import { drawMigration, drawTable } from './draw.ts';
import { migrationReport } from './report.ts';

const NOW = new Date('2026-01-01T00:10:00Z');
const HASH = '0123456789abcdef';
const platform = { metadata: { name: 'shop', namespace: 'shop' }, spec: {} } as OrderPlatform;

type Told = [status: 'True' | 'False', reason: string, message: string];

function migration(name: string, told: Told | undefined, status: MigrationStatus, spec: Partial<Migration['spec']> = {}) {
  const at = { observedGeneration: 1, lastTransitionTime: '2026-01-01T00:07:00Z' };
  const [state, reason = '', message = ''] = told ?? [];
  const types = state === 'False' && reason !== 'Running' ? ['Ready', 'Stalled'] : ['Ready'];
  const conditions = types.map((type) => ({ type, status: type === 'Ready' ? state : 'True', reason, message, ...at }));
  const ofRelease = name.startsWith('shop-');
  const owner = { apiVersion: 'orderplane.dev/v1alpha1', kind: 'OrderPlatform', name: 'shop', uid: 'u', controller: true };
  const source = ofRelease ? { release: name.slice('shop-'.length) } : { inline: [] };
  return {
    metadata: { name, namespace: 'shop', generation: 1, ...(ofRelease && { ownerReferences: [owner] }) },
    spec: { platformRef: { name: 'shop' }, engine: 'postgres', database: name.replace('shop-', ''), source, ...spec },
    status: { ...status, ...(told && { conditions }) },
  } as Migration;
} // prettier-ignore

const applied = ['init', 'outbox'].map((name, i) => ({
  version: `000${i + 1}`,
  name,
  durationMs: 4 + i * 1200,
  appliedAt: '2025-12-31T23:59:0' + i + '.123Z',
}));
const run = (number: number, outcome: 'Succeeded' | 'Failed', reason?: string) => ({
  number,
  inputHash: 'x',
  outcome,
  failures: 0,
  finishedAt: '2026-01-01T00:06:30Z',
  ...(reason && { reason }),
});
const finding = (file: string, line: number, rule: string, statement: string) =>
  ({ file, line, rule, severity: 'Destructive', statement }) as const;

const plan = {
  direction: 'Up' as const,
  pending: ['0003_index.up.sql', '0004_drop.up.sql'],
  findings: [
    finding('0004_drop.up.sql', 3, 'drop-column', 'ALTER TABLE orders DROP COLUMN note'),
    finding('0004_drop.up.sql', 12, 'drop-table', 'DROP TABLE notes'),
  ],
};
const asked = `plan ${HASH} would apply 0003_index.up.sql, 0004_drop.up.sql, and waits for approval of 0004_drop.up.sql:3 drop-column`;

const SCENES: Record<string, Migration> = {
  'up-to-date': migration('shop-inventory', ['True', 'UpToDate', 'inventory is at version 0002'], { currentVersion: '0002', applied, pending: [], source: 'orderplane/services:0.1.0', run: run(1, 'Succeeded') }),
  'waits-for-approval': migration('shop-orders', ['False', 'ApprovalRequired', `${asked}. To approve it: kubectl -n shop patch …`], { currentVersion: '0002', applied, pending: plan.pending, plan, planHash: HASH, run: run(4, 'Failed', 'ApprovalRequired') }),
  planned: migration('reports', ['True', 'PlanReady', 'reports has no migrations'], { currentVersion: '', pending: ['0001_init.up.sql'], planHash: HASH, plan: { direction: 'Up', pending: ['0001_init.up.sql'], findings: [], leftOut: { pending: 2, findings: 1 } }, run: run(2, 'Succeeded') }, { mode: 'Plan' }),
  running: migration('users', ['False', 'Running', 'migrating users (Job users-migrate-1): file 1 of 2: 0001_init.up.sql from postgres://admin:s3cret@db'], { pending: [] }),
  unseen: migration('new', undefined, {}),
}; // prettier-ignore

/** Written anew by `UPDATE_GOLDEN=1 node hack/jest.ts operator/cli`; the diff is what a review reads. */
function expectGolden(name: string, lines: readonly string[]): void {
  const path = join(import.meta.dirname, '../golden', name);
  const text = `${lines.join('\n')}\n`;
  if (process.env.UPDATE_GOLDEN) writeFileSync(path, text);
  expect(text).toBe(readFileSync(path, 'utf8'));
  expect(text).not.toContain('s3cret');
}

describe('Migrations are drawn as reviewed:', () => {
  test('all in a table', () => {
    const reports = Object.values(SCENES).map((each) => migrationReport(each, [platform]));
    expectGolden('migrations.txt', [...drawTable(reports, plain, NOW), '', '$ orderplane migrations -A', ...drawTable(reports, plain, NOW, true)]);
  }); // prettier-ignore

  test.each(Object.keys(SCENES))('one that is %s', (name) => {
    const report = migrationReport(SCENES[name] as Migration, [platform]);
    expectGolden(`migration-${name}.txt`, drawMigration(report, plain, NOW));
  });
});
