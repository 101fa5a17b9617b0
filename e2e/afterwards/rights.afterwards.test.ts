/** The operator's rights, against the API server's audit log of everything that the scenarios had it do. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AuditEvent } from '@orderplane/operator/controllers/testing/audit-log.ts';
import { exercisedRights, grantedRights, refusedRight } from '@orderplane/operator/controllers/testing/rights.ts';
import { operatorInstallation, OPERATOR_NAME, OPERATOR_NAMESPACE } from '@orderplane/operator/resources/install.ts';
import { ServiceAccounts } from '@orderplane/operator/runtime/index.ts';
import { auditedEvents } from '../harness/audit.ts';
import { openCluster, OPERATOR_USER } from '../harness/cluster.ts';
import { announcedNode } from '../harness/node.ts';

/** Granted, and used by no scenario. */
const UNUSED = [
  // For API servers that let nobody refer to an owner whom he may not change (OwnerReferencesPermissionEnforcement): this one has none of it.
  ...['migrations', 'orderplatforms', 'seedjobs'].map((resource) => `update ${resource}.orderplane.dev/finalizers`),
  // A Job that is there already, made before a kill or before the cache saw it: whose it is.
  'get jobs.batch',
];

const cluster = await openCluster();
let events: AuditEvent[];
let since: Date;

beforeAll(async () => {
  ({ events, since } = await auditedEvents(announcedNode()?.auditLogPath ?? '', OPERATOR_USER));
}, 60_000);

afterAll(() => cluster.close());

test('the audit log still has the operator’s first request', async () => {
  const account = await cluster.client.get(ServiceAccounts, { namespace: OPERATOR_NAMESPACE, name: OPERATOR_NAME });
  expect(since.getTime()).toBeLessThan(Date.parse(account?.metadata.creationTimestamp ?? ''));
});

test('the operator was refused nothing', () => {
  expect([...new Set(events.flatMap((event) => refusedRight(event) ?? []))]).toEqual([]);
});

test('the operator made use of every right that it is granted, but for a few with a reason', () => {
  const used = new Set(events.flatMap(exercisedRights));
  const granted = grantedRights(operatorInstallation({ operatorImage: 'x' }));
  expect(granted.filter((right) => !used.has(right) && !UNUSED.includes(right))).toEqual([]);
  // Some come by chance, but what is not granted needs no reason.
  expect(UNUSED.filter((right) => !granted.includes(right))).toEqual([]);
});
