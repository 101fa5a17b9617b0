import { describe, expect, test } from '@jest/globals';
import { ApiError, fakeClock, type Client, type Event, type KubeObject, type Pod } from '../runtime/index.ts';
import type { Deps } from './deps.ts';
import { findCause } from './cause.ts';

const NOW = new Date('2026-01-01T00:10:00Z');
const at = (secondsAgo: number) => new Date(NOW.getTime() - secondsAgo * 1_000).toISOString();
const PASSWORD = 'bH7zqPassw0rdOfOrders';

interface World {
  log?: string;
  /** Of a Secret of the operator's. */
  uri?: string;
  events?: Partial<Event>[];
  workload?: Partial<KubeObject> & { status?: unknown };
  claims?: unknown[];
}

/** Answers as the API server does; an event is only found by who asks for its object and reason. */
function deps({ log, uri = '', events = [], claims = [] }: World) {
  const client = {
    podLogs: async () => {
      if (log === undefined) throw new Error('container "main" in pod "shop-orders-1" is not available');
      return log;
    },
    list: async (_: unknown, { fieldSelector = '' }) => ({
      items: events.filter((event) =>
        fieldSelector.split(',').every((pair: string) => {
          const [field, value] = pair.split('=');
          return (field === 'reason' ? event.reason : event.regarding?.uid) === value;
        }),
      ),
    }),
  } as unknown as Client;
  const encoded = (value: string) => Buffer.from(value).toString('base64');
  const secret = { metadata: { name: 's' }, data: { password: encoded(PASSWORD), uri: encoded(uri) } };
  const caches = {
    secrets: { list: () => [secret] },
    claims: { get: ({ name }: { name: string }) => claims.find((each) => (each as KubeObject).metadata.name === name) },
  };
  return { client, caches, clock: fakeClock(NOW) } as unknown as Deps;
}

const deployment = {
  kind: 'Deployment',
  metadata: { name: 'shop-orders', namespace: 'apps', uid: 'd', creationTimestamp: at(60) },
};
const statefulSet = {
  kind: 'StatefulSet',
  metadata: { name: 'shop-postgres', namespace: 'apps', uid: 's', creationTimestamp: at(60) },
};
const container = (fields: object) => ({
  containerStatuses: [
    { name: 'main', image: 'x', imageID: '', ready: false, started: true, restartCount: 3, ...fields },
  ],
});
const pod = (status: object, spec: object = { containers: [] }) =>
  ({ metadata: { name: 'shop-orders-1', namespace: 'apps', uid: 'p' }, spec, status }) as Pod;
const crashing = pod(
  container({
    state: { waiting: { reason: 'CrashLoopBackOff' } },
    lastState: { terminated: { exitCode: 1, reason: 'Error', message: 'fatal: cut off' } },
  }),
);
const crashingWith = (...env: object[]) => pod(crashing.status ?? {}, { containers: [{ name: 'main', env }] });
const running = pod(container({ state: { running: { startedAt: at(60) } }, restartCount: 0 }));
const claiming = {
  volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data-shop-postgres-0' } }],
  containers: [],
};
const unscheduled = (message: string) =>
  pod({ conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message }] }, claiming);
const probed = (secondsAgo: number) => ({
  reason: 'Unhealthy',
  regarding: { uid: 'p' },
  deprecatedLastTimestamp: at(secondsAgo),
  note: 'Readiness probe failed: HTTP probe failed with statuscode: 503',
});
const livenessProbed = { ...probed(1), note: 'Liveness probe failed: context deadline exceeded' };
const ask = (world: World, workload: KubeObject, pods: Pod[]) =>
  findCause(deps(world), workload, pods, { signal: new AbortController().signal });

describe('the cause is', () => {
  test.each<[string, World, KubeObject, Pod[], string | undefined]>([
    ['the error in the log of the crash', { log: '{"level":20,"msg":"handled"}\n{"level":60,"msg":"no such table: orders"}\n' }, deployment, [crashing], 'pod shop-orders-1 keeps crashing (main: exit code 1): no such table: orders'],
    ['the termination message where there is no log', {}, deployment, [crashing], 'pod shop-orders-1 keeps crashing (main: exit code 1): fatal: cut off'],
    ['told without our passwords, tokens, and what is assigned to a password', { log: `fatal: ${PASSWORD} refused, password=hunter2 at postgres://u:${PASSWORD}@db/x with Authorization: Bearer abc.def` }, deployment, [crashing], 'pod shop-orders-1 keeps crashing (main: exit code 1): fatal: *** refused, password=*** at postgres://u:***@db/x with Authorization: Bearer ***'],
    ['told without what the user’s own variables of a telling name hold', { log: 'fatal: refused mellon-friend of x' }, deployment, [crashingWith({ name: 'CARD_PASSPHRASE', value: 'mellon-friend' }, { name: 'LOG_LEVEL', value: 'fatal:' })], 'pod shop-orders-1 keeps crashing (main: exit code 1): fatal: refused *** of x'],
    ['told without the password of a URI, where the program took it out', { uri: 'nats://orders:k%40zad-dum@nats:4222', log: 'fatal: refused k@zad-dum, and khazad-dum' }, deployment, [crashingWith({ name: 'CACHE', value: 'redis://x:khazad-dum@cache' })], 'pod shop-orders-1 keeps crashing (main: exit code 1): fatal: refused ***, and ***'],
    ['told without the part of a password that is left where a long message is cut', { log: `fatal: ${PASSWORD}${'.'.repeat(390)}` }, deployment, [crashing], `pod shop-orders-1 keeps crashing (main: exit code 1): fatal: ***${'.'.repeat(390)}`],
    ['what the probe says now', { events: [probed(2)] }, deployment, [running], 'pod shop-orders-1 is not ready: Readiness probe failed: HTTP probe failed with statuscode: 503'],
    ['what readiness is asked for, whichever probe failed last', { events: [probed(2), livenessProbed] }, deployment, [running], 'pod shop-orders-1 is not ready: Readiness probe failed: HTTP probe failed with statuscode: 503'],
    ['what another probe says where that one has not failed since', { events: [probed(90), livenessProbed] }, deployment, [running], 'pod shop-orders-1 is not ready: Liveness probe failed: context deadline exceeded'],
    ['not what it said of the container before', { events: [probed(90)] }, deployment, [running], 'pod shop-orders-1 runs, but is not ready'],
    ['the scheduler’s message', {}, statefulSet, [unscheduled('0/1 nodes are available: 1 Insufficient memory.')], 'pod shop-orders-1 cannot be scheduled: 0/1 nodes are available: 1 Insufficient memory.'],
    ['why the volume claim is pending', { claims: [{ metadata: { name: 'data-shop-postgres-0', namespace: 'apps', uid: 'c' }, status: { phase: 'Pending' } }], events: [{ reason: 'ProvisioningFailed', regarding: { uid: 'c' }, note: 'storageclass.storage.k8s.io "fast" not found' }] }, statefulSet, [unscheduled('pod has unbound immediate PersistentVolumeClaims')], 'pod shop-orders-1 waits for volume claim data-shop-postgres-0: storageclass.storage.k8s.io "fast" not found'],
    ['the refusal of a Deployment’s pods, before one that only starts', {}, { ...deployment, status: { conditions: [{ type: 'ReplicaFailure', status: 'True', message: 'pods "x" is forbidden: exceeded quota: small' }] } } as KubeObject, [running], 'cannot create pods: pods "x" is forbidden: exceeded quota: small'],
    ['the refusal of a StatefulSet’s pods', { events: [{ reason: 'FailedCreate', regarding: { uid: 's' }, note: 'create Pod shop-postgres-0 in StatefulSet shop-postgres failed error: exceeded quota' }] }, statefulSet, [], 'cannot create pods: create Pod shop-postgres-0 in StatefulSet shop-postgres failed error: exceeded quota'],
    ['unknown where nothing is wrong yet', {}, statefulSet, [], undefined],
  ])('%s', async (_, world, workload, pods, words) => {
    expect((await ask(world, workload, pods)).words).toBe(words);
  });
}); // prettier-ignore

test.each<[string, World, Pod[], boolean]>([
  ['is looked for again where it came from an event', { events: [probed(2)] }, [running], true],
  ['is looked for again where there are no pods', {}, [], true],
  ['is not polled where the pod will change', { log: 'fatal: x' }, [crashing], false],
])('the cause %s', async (_, world, pods, isPolled) => {
  expect((await ask(world, statefulSet, pods)).lookAgainMs !== undefined).toBe(isPolled);
});

describe('the log of a crash', () => {
  /** What is said of the crash on visits that are so many seconds apart, where the kubelet answers so. */
  async function visits(seconds: readonly number[], answers: readonly (string | Error)[]) {
    const clock = fakeClock(NOW);
    const asking = { ...deps({}), clock };
    const left = [...answers];
    asking.client.podLogs = async () => {
      const answer = left.shift();
      if (answer instanceof Error) throw answer;
      if (answer === undefined) throw new Error('it was asked for too often');
      return answer;
    };
    const said: (string | undefined)[] = [];
    for (const pause of seconds) {
      clock.advance(pause * 1_000);
      const { words } = await findCause(asking, deployment, [crashing], { signal: new AbortController().signal });
      said.push(words?.split(': ').at(-1));
    }
    return { said, unasked: left.length };
  }
  const refusal = new ApiError('previous terminated container "main" not found', { status: 400, reason: 'BadRequest' });
  const silence = new Error('other side closed');

  test.each<[string, number[], (string | Error)[], string[]]>([
    ['is read once', [0, 60, 60], ['fatal: no'], ['no', 'no', 'no']],
    ['is asked for once where there is none', [0, 60, 60], [refusal], ['cut off', 'cut off', 'cut off']],
    ['is asked for again where nobody answered', [0, 31, 60], [silence, 'fatal: no'], ['cut off', 'no', 'no']],
    ['is not asked for again at once', [0, 5, 5], [silence], ['cut off', 'cut off', 'cut off']],
  ])('%s', async (_, seconds, answers, said) => {
    expect(await visits(seconds, answers)).toEqual({ said, unasked: 0 });
  });

  test('is told of a container that runs again, too, though the kubelet has forgotten how it ended', async () => {
    const asking = deps({ log: 'fatal: no' });
    const say = (each: Pod) => findCause(asking, deployment, [each], { signal: new AbortController().signal });
    await say(crashing);
    asking.client.podLogs = () => Promise.reject(refusal);
    const { words } = await say(pod(container({ state: { running: { startedAt: at(1) } }, restartCount: 4 })));
    expect(words).toBe('pod shop-orders-1 keeps crashing (main: exit code unknown): fatal: no');
  });

  test('that could not be read is a reason to look again', async () => {
    const asking = deps({});
    asking.client.podLogs = () => Promise.reject(silence);
    const { lookAgainMs } = await findCause(asking, deployment, [crashing], { signal: new AbortController().signal });
    expect(lookAgainMs).toBe(30_000);
  });
});
