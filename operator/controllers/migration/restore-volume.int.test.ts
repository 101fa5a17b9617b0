/** A volume for restore points that is never bound: nobody provisions any in this cluster. */
import { expect, test } from '@jest/globals';
import { Migrations, type MigrationSpec, type MigrationStatus } from '../../api/v1alpha1/index.ts';
import { ConfigMaps, Events, findCondition, Jobs, realClock, Secrets, type Clock, type Secret } from '../../runtime/index.ts'; // prettier-ignore
import { eventually } from '../testing/eventually.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';
import { VOLUME_WAIT_MS } from './restore-volume.ts';

const { cluster } = await sharedCluster();

const SPEC: MigrationSpec = {
  target: { secretRef: { name: 'db' } },
  engine: 'postgres',
  database: 'app',
  source: { inline: [{ version: '0001', name: 'init', up: 'select 1' }] },
} as unknown as MigrationSpec;
const later: Clock = { ...realClock, now: () => new Date(Date.now() + VOLUME_WAIT_MS + 1_000) };

/** A Migration of that name whose first Job has a pod that waits for it, and an operator of its own. */
async function waiting(name: string, restorePoint: 'Optional' | 'Required') {
  const namespace = await cluster.namespace();
  const secret = { metadata: { name: 'db', namespace }, stringData: { uri: 'postgres://a:b@db/app' } };
  await cluster.client.create(Secrets, secret as Secret);
  const unbound = { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.' };
  await cluster.kubelet.behave(new RegExp(`^${name}-migrate`), { kind: 'says', called: 'unbound', status: { phase: 'Pending', conditions: [unbound] } });
  const operator = cluster.startOperator({}, undefined, { namespaces: [namespace] });
  const key = { namespace, name };
  await cluster.client.create(Migrations, { metadata: key, spec: { ...SPEC, policy: { restorePoint } } as never });
  // Nobody collects here what is deleted.
  const jobs = async () => (await cluster.client.list(Jobs, { namespace })).items.filter(({ metadata }) => !metadata.deletionTimestamp);
  const mounts = async () =>
    (await jobs()).map(({ spec }) =>
      spec?.template.spec?.volumes?.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []),
    );
  await eventually('a Job with the volume', async () => (await mounts())[0]?.[0] === `${name}-restore-points`);
  await operator.kill();
  return {
    namespace,
    jobs,
    mounts,
    /** Another operator, once the Job has waited for as long as it is waited for. */
    takeOver: () => cluster.startOperator({}, undefined, { namespaces: [namespace], clock: later }),
    ready: async () => {
      const { status } = (await cluster.client.get(Migrations, key)) ?? {};
      return { ...findCondition(status?.conditions, 'Ready'), status } as { reason?: string; message: string; status?: MigrationStatus };
    },
  };
} // prettier-ignore

test('Optional waits for it for a while, then goes on without, and says so', async () => {
  const { namespace, jobs, mounts, takeOver, ready } = await waiting('optional', 'Optional');
  const operator = takeOver();
  await eventually('a Job without the volume', async () => JSON.stringify(await mounts()) === '[[]]', mounts);
  const [job] = await jobs();
  expect(job?.metadata.name).toMatch(/-2$/);
  const input = await cluster.client.get(ConfigMaps, { namespace, name: job?.metadata.name ?? '' });
  const why = 'volume claim optional-restore-points is not bound after 5 minutes';
  expect(Object.values(input?.data ?? {}).join()).toContain(why);
  expect((await ready()).message).toContain(why);

  const warning = `no restore point could be taken of app: ${why}`;
  const result = { ok: true, currentVersion: '0001', applied: [], appliedByThisRun: 1, pending: [], isAhead: false, restorePointWarning: warning };
  await cluster.kubelet.behave(/^optional-migrate/, { kind: 'result', result });
  await eventually('it is done', async () => (await ready()).reason === 'UpToDate', ready);
  expect((await ready()).message).toContain(`Warning: ${warning}`);
  await eventually('an event', async () => (await cluster.client.list(Events, { namespace })).items.some(({ reason, note }) => reason === 'RestorePointMissing' && note === warning));
  await operator.kill();
}, 60_000); // prettier-ignore

test('Required waits for it for ever, and says for which claim', async () => {
  const { mounts, takeOver, ready } = await waiting('required', 'Required');
  const operator = takeOver();
  await operator.idle();
  expect(await mounts()).toEqual([['required-restore-points']]);
  const { message } = await eventually('it says so', async () => (await ready()).message.includes('volume claim') && ready(), ready);
  expect(message).toMatch(/\(Job required-migrate-\S+\): .* waits for volume claim required-restore-points: /);
  await operator.kill();
}, 60_000); // prettier-ignore
