/** The operator dies at a write of a run, or loses the answer to it: what was asked for, or was due, has run once. */
import { dirname } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { SeedJobs } from '../../api/v1alpha1/index.ts';
import { REQUESTED_AT } from '../../resources/labels.ts';
import { realClock, type Clock } from '../../runtime/index.ts';
import { startApiGate, type Fault, type Write } from '../testing/api-gate.ts';
import { eventually } from '../testing/eventually.ts';
import { VOLUME } from '../testing/platforms.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';

const { cluster, platforms } = await sharedCluster();
const namespace = await cluster.namespace();

beforeAll(async () => {
  const operator = cluster.startOperator();
  await platforms.create(namespace, {
    stores: { postgres: VOLUME },
    broker: { nats: VOLUME },
    services: [{ name: 'inventory' }],
  });
  await platforms.ready(namespace);
  await operator.kill();
}, 60_000);

const DATASET = { name: 'products', engine: 'postgres' as const, database: 'inventory', table: 'products', key: ['id'], mode: 'Upsert' as const, rows: [{ id: 'p1' }] }; // prettier-ignore
const LATER: Clock = { ...realClock, now: () => new Date(Date.now() + 7_200_000) };

const faults = (['diesBefore', 'diesAfter', 'losesAnswer'] as const).flatMap((kind) =>
  ['create configmaps NAME-seed-#-2', 'create jobs NAME-seed-#-2', 'apply seedjobs/status NAME'].flatMap((at) =>
    (['Request', 'Schedule'] as const).map((trigger) => ({ kind, at, trigger })),
  ),
);

test.each(faults)('$kind at $at: one run by $trigger', async ({ kind, at, trigger }) => {
  const name = `seed-${faults.findIndex((each) => each.kind === kind && each.at === at && each.trigger === trigger)}`;
  const key = { namespace, name };
  const read = async () => (await cluster.client.get(SeedJobs, key))?.status;
  const clock = trigger === 'Schedule' ? LATER : realClock;
  const writes: Write[] = [];
  const live = async (fault?: Fault) => {
    const folder = dirname(cluster.operatorKubeconfig);
    const gate = await startApiGate({ kubeconfig: cluster.operatorKubeconfig, folder, writes, fault });
    const { kubeconfig } = gate;
    const operator = cluster.startOperator({}, undefined, { kubeconfig, namespaces: [namespace], clock });
    const end = async () => {
      await gate.cut();
      await operator.kill();
    };
    return { gate, operator, end };
  };
  const schedule = { cron: '0 * * * *' };
  await cluster.client.create(SeedJobs, { metadata: key, spec: { platformRef: { name: 'shop' }, datasets: [DATASET], schedule } });
  const quiet = cluster.startOperator({}, undefined, { namespaces: [namespace] });
  await eventually('it has run', async () => (await read())?.runs?.length === 1);
  await quiet.idle();
  await quiet.kill();
  if (trigger === 'Request') await cluster.client.mergePatch(SeedJobs, key, { metadata: { annotations: { [REQUESTED_AT]: 'now' } } });

  const first = await live({ kind, at: at.replace('NAME', name), occurrence: 1 });
  await first.gate.struck;
  const second = kind === 'losesAnswer' ? first : (await first.end(), await live());
  await eventually('it has run again', async () => (await read())?.runs?.length === 2, read);
  await second.operator.idle();
  await second.end();
  const runs = (await read())?.runs;
  await cluster.client.delete(SeedJobs, key);
  const created = writes.filter(({ verb, resource, status, name: made }) => verb === 'create' && resource === 'jobs' && status === 201 && made.startsWith(`${name}-seed`));
  expect(created).toHaveLength(1);
  expect(runs?.map(({ outcome, trigger: why }) => [outcome, why])).toEqual([['Succeeded', trigger], ['Succeeded', 'Spec']]);
}, 60_000); // prettier-ignore
