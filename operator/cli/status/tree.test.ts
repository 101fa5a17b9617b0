import { describe, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { STAGES } from '../../api/v1alpha1/conditions.ts';
import type { Migration, OrderPlatform, SeedJob } from '../../api/v1alpha1/index.ts';
import type { Condition } from '../../runtime/conditions.ts';
import { plain } from '../output.ts';
import { explain } from '../why.ts';
import { reportOf } from './report.ts';
import type { Snapshot } from './snapshot.ts';
import { drawTree } from './tree.ts';
import { createJournal, createScreen } from './watch.ts';

const NOW = new Date('2026-01-01T00:10:00Z');
const at = (minutes: number) => `2026-01-01T00:0${minutes}:00Z`;

type Stage = (typeof STAGES)[number];
type Told = [status: 'True' | 'False' | 'Unknown', reason: string, message: string];

const condition = (type: string, [status, reason, message]: Told): Condition => ({
  type,
  status,
  reason,
  message,
  observedGeneration: 1,
  lastTransitionTime: at(8),
});
const pending: Told = ['Unknown', 'Pending', 'waits for what comes before'];
const WELL: Record<Stage, Told> = {
  CredentialsReady: ['True', 'Ready', 'every password and key exists'],
  StoresReady: ['True', 'Ready', 'postgres answers'],
  BrokerReady: ['True', 'Ready', 'nats answers'],
  DatabasesReady: ['True', 'Ready', 'databases and roles exist'],
  NetworkRestricted: ['True', 'Restricted', 'nothing else is let through'],
  IdentityReady: ['True', 'NotRequested', 'no service has customers'],
  Exposed: ['True', 'NotRequested', 'spec.exposure is not set'],
  Monitored: ['True', 'NotRequested', 'spec.observability.metrics is not set'],
  SchemaCurrent: ['True', 'UpToDate', '1 of 1 migrations are ready'],
  SeedsApplied: ['True', 'Applied', '1 of 1 seeds have run'],
  ServicesAvailable: ['True', 'Available', '2 of 2 services are available'],
  OrderFlowVerified: ['True', 'NotRequested', 'an order needs gateway, orders, inventory, order-query'],
};
const COMPONENTS = [
  { name: 'postgres', kind: 'StatefulSet' as const, ready: 1, desired: 1, version: 'postgres:17' },
  { name: 'nats', kind: 'StatefulSet' as const, ready: 1, desired: 1, version: 'nats:2.12' },
  { name: 'inventory', kind: 'Deployment' as const, ready: 1, desired: 1, version: 'orderplane/services:0.1.0' },
  { name: 'orders', kind: 'Deployment' as const, ready: 1, desired: 1, version: 'orderplane/services:0.1.0' },
];

interface Scene {
  stages?: Partial<Record<Stage, Told>>;
  /** Ready, Stalled and whatever else there is. */
  overall: Record<string, Told>;
  components?: Partial<(typeof COMPONENTS)[number]>[] & { message?: string }[];
  status?: object;
  metadata?: object;
  migration?: Told;
  operator?: Snapshot['operator'];
}

function snapshot({ stages = {}, overall, components = [], status, metadata, migration, operator }: Scene): Snapshot {
  const told = { ...WELL, ...stages };
  const object = { namespace: 'shop', generation: 1 };
  const spec = {
    stores: { postgres: {} },
    broker: { nats: {} },
    services: [{ name: 'inventory' }, { name: 'orders' }],
  };
  const platform = {
    metadata: { name: 'shop', ...object, ...metadata },
    spec,
    status: {
      observedGeneration: 1,
      version: '0.1.0',
      services: '2/2',
      components: COMPONENTS.map((component) => ({
        ...component,
        ...components.find(({ name }) => name === component.name),
      })),
      databases: [{ engine: 'postgres', name: 'orders', store: 'volume-1' }],
      conditions: [
        ...STAGES.map((stage) => condition(stage, told[stage])),
        ...Object.entries(overall).map(([type, each]) => condition(type, each)),
      ],
      ...status,
    },
  } as OrderPlatform;
  const migrated = migration ?? (['True', 'UpToDate', 'orders is at version 0002'] as Told);
  const migrations = [
    {
      metadata: { name: 'shop-orders', ...object },
      spec: { engine: 'postgres', database: 'orders', source: { release: 'orders' } },
      status: { currentVersion: '0002', conditions: [condition('Ready', migrated), ...(migration?.[0] === 'False' ? [condition('Stalled', ['True', migrated[1], migrated[2]])] : [])] },
    },
  ] as Migration[]; // prettier-ignore
  const seedJobs = [
    {
      metadata: { name: 'products', ...object },
      spec: {},
      status: {
        runs: [{ datasets: [{ name: 'products', inserted: 1, updated: 0, skipped: 3 }] }],
        conditions: [condition('Ready', ['True', 'Applied', 'applied'])],
      },
    },
  ] as SeedJob[];
  return { platform, migrations, seedJobs, operator: operator ?? 'running' };
}

const CRASH =
  'pod shop-orders-6f5-x2 keeps crashing (main: exit code 1): cannot connect to postgres://orders_1:s3cret@shop-postgres:5432/orders';
const EDITED = 'Migration shop-orders: migrating orders failed: 0002_price was edited after it had been applied';

const SUSPENDED = 'nothing is done until spec.suspend is false again; what runs goes on running';

const SCENES: Record<string, Scene> = {
  'coming-up': {
    stages: {
      StoresReady: ['False', 'StoreNotReady', 'postgres is not ready: pod shop-postgres-0 is starting'],
      DatabasesReady: pending,
      SchemaCurrent: ['False', 'Pending', 'Migration shop-orders is about to run'],
      SeedsApplied: ['False', 'Pending', 'SeedJob products is about to run'],
      ServicesAvailable: ['False', 'WaitingForRequirement', '0 of 2 services are available: inventory waits: its role in postgres is not ready'],
    },
    overall: { Ready: ['False', 'StoreNotReady', 'postgres is not ready: pod shop-postgres-0 is starting'], Reconciling: ['True', 'StoreNotReady', 'x'] },
    components: [{ name: 'postgres', ready: 0 }, { name: 'inventory', ready: 0 }, { name: 'orders', ready: 0 }],
    status: { services: '0/2', databases: [] },
  },
  'blocked-on-a-crash': {
    stages: { ServicesAvailable: ['False', 'PodFailing', `1 of 2 services are available: orders is not available: ${CRASH}`] },
    overall: { Ready: ['False', 'PodFailing', `1 of 2 services are available: orders is not available: ${CRASH}`] },
    components: [{ name: 'orders', ready: 0, message: CRASH } as never],
    status: { services: '1/2' },
  },
  ready: { overall: { Ready: ['True', 'Ready', 'all 2 services are available'] } },
  suspended: {
    overall: { Ready: ['Unknown', 'Suspended', SUSPENDED], Suspended: ['True', 'Suspended', SUSPENDED] },
  },
  stalled: {
    stages: { SchemaCurrent: ['False', 'EditedMigration', EDITED] },
    overall: { Ready: ['False', 'EditedMigration', EDITED], Stalled: ['True', 'EditedMigration', EDITED] },
    migration: ['False', 'EditedMigration', 'migrating orders failed: 0002_price was edited after it had been applied'],
  },
  'changed-while-the-operator-is-down': {
    overall: { Ready: ['True', 'Ready', 'all 2 services are available'] },
    metadata: { generation: 2 },
    operator: 'down',
  },
  'of-a-newer-operator': {
    overall: { Ready: ['True', 'Ready', 'well'], BackedUp: ['False', 'BackupDue', 'the last backup is a day old'] },
    status: { url: 'https://shop.example.com', upgradeAvailable: { revision: '1f2e3d', changes: ['orders: image', 'gateway: image'] } },
  },
}; // prettier-ignore

/** Written anew by `UPDATE_GOLDEN=1 node hack/jest.ts operator/cli`; the diff is what a review reads. */
function expectGolden(name: string, text: string): void {
  const path = join(import.meta.dirname, '../golden', name);
  if (process.env.UPDATE_GOLDEN) writeFileSync(path, `${text}\n`);
  expect(`${text}\n`).toBe(readFileSync(path, 'utf8'));
}

describe('the tree of a platform is drawn as reviewed:', () => {
  test.each(Object.keys(SCENES))('%s', (name) => {
    const report = reportOf(snapshot(SCENES[name] as Scene));
    const text = [...drawTree(report, plain, NOW), '', '$ orderplane why', ...explain(report, plain, NOW)].join('\n');
    expectGolden(`${name}.txt`, text);
    expect(text).not.toContain('s3cret');
  });
});

describe('followed without a terminal, a platform is told of', () => {
  test('whole at first, then by the lines that changed', () => {
    const journal = createJournal(plain);
    journal(reportOf(snapshot(SCENES['coming-up'] as Scene)), NOW);
    expect(journal(reportOf(snapshot(SCENES['coming-up'] as Scene)), NOW)).toEqual([]);
    const lines = journal(reportOf(snapshot(SCENES.ready as Scene)), NOW);
    expect(lines).toContain('00:10:00 ✓ stores › postgres  1/1  postgres:17');
    expect(lines).not.toContainEqual(expect.stringContaining('broker'));
    expect(lines.at(-1)).toContain('OrderPlatform shop/shop  ✓ Ready');
  });
});

test('on a terminal each tree is drawn over the one before, and never past the window', () => {
  const written: string[] = [];
  const draw = createScreen({ write: (text) => written.push(text), columns: 40, rows: 12 }, plain);
  const report = reportOf(snapshot(SCENES['blocked-on-a-crash'] as Scene));
  draw(report, NOW);
  draw(report, NOW);
  const lines = (written[0] ?? '').trimEnd().split('\n');
  expect(lines).toHaveLength(11);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40);
  expect(written[1]).toBe(`\x1b[11A\x1b[0J${written[0]}`);
});
