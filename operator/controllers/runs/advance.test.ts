import { expect, test } from '@jest/globals';
import { jobRun, type JobDefinition } from '../../resources/job.ts';
import { fakeClock, type Job, type KubeObject, type Pod } from '../../runtime/index.ts';
import type { Deps } from '../deps.ts';
import { advanceRun } from './advance.ts';
import type { RunRecord } from './plan.ts';

const definition: JobDefinition = {
  namespace: 'shop',
  owner: { apiVersion: 'orderplane.dev/v1alpha1', kind: 'OrderPlatform', name: 'shop', uid: 'uid', controller: true },
  purpose: 'provision-postgres',
  baseName: 'shop-provision-postgres',
  platform: 'shop',
  command: 'provision',
  image: 'operator',
  inputHash: 'abcdef0123',
  input: () => ({}),
  env: [],
  pullSecrets: [],
};
const job: Job = {
  ...jobRun(definition, 1).job,
  status: { conditions: [{ type: 'Complete', status: 'True' }] },
};
const ended: Pod = {
  metadata: { name: 'pod' },
  status: {
    phase: 'Succeeded',
    containerStatuses: [
      { name: 'main', image: '', imageID: '', ready: false, restartCount: 0, state: { terminated: { exitCode: 0, message: '{"ok":true,"changes":3}' } } },
    ],
  },
}; // prettier-ignore

/** Deps of an operator whose cache of pods says one thing, and whose API server another. */
function depsWith(cached: Pod[], stored: Pod[]): Deps {
  const caches = { jobs: { byOwner: () => [job] }, pods: { byOwner: () => cached } };
  const client = {
    list: async () => ({ items: stored, resourceVersion: '1' }),
    create: async () => Promise.reject(new Error('a run that succeeded was repeated')),
  };
  return { caches, client, clock: fakeClock() } as unknown as Deps;
}

test.each<[string, Pod[], Pod[]]>([
  ['has told of its end', [ended], []],
  ['lags behind that of Jobs', [{ metadata: { name: 'pod' }, status: { phase: 'Running' } }], [ended]],
  ['has not heard of the pod', [], [ended]],
])('a run that succeeded is not repeated where the watch of pods %s', async (_, cached, stored) => {
  const { signal } = new AbortController();
  const progress = await advanceRun(depsWith(cached, stored), definition, undefined, { mayStart: true, signal });
  expect(progress).toMatchObject({ isSettled: true, record: { number: 1, outcome: 'Succeeded' }, result: { changes: 3 } });
}); // prettier-ignore

test.each<[string, number, boolean, number]>([
  ['is given its input again where that is gone', 6, false, 1],
  ['is left alone where its input is there', 6, true, 0],
  ['is left alone in its first seconds', 4, false, 0],
])('a run that has not begun %s', async (_, seconds, isThere, created) => {
  const clock = fakeClock();
  const creationTimestamp = new Date(clock.now().getTime() - seconds * 1000).toISOString();
  const { config, job: waiting } = jobRun(definition, 1);
  const made: KubeObject[] = [];
  const deps = {
    caches: { jobs: { byOwner: () => [{ ...waiting, metadata: { ...waiting.metadata, creationTimestamp } }] }, pods: { byOwner: () => [] }, secrets: { list: () => [] } },
    client: {
      get: async () => (isThere ? config : undefined),
      list: async () => ({ items: [], resourceVersion: '1' }),
      create: async (_resource: unknown, object: KubeObject) => made.push(object),
    },
    clock,
  } as unknown as Deps; // prettier-ignore
  const { signal } = new AbortController();
  expect(await advanceRun(deps, definition, undefined, { mayStart: true, signal })).toMatchObject({ running: config.metadata.name });
  expect(made).toEqual(Array(created).fill(config));
}); // prettier-ignore

test('a run that is given up is removed once the status tells of it, and only then another starts', async () => {
  const clock = fakeClock();
  const { job: waiting } = jobRun(definition, 1);
  const calls: string[] = [];
  const deps = {
    caches: { jobs: { byOwner: () => [{ ...waiting, metadata: { ...waiting.metadata, creationTimestamp: clock.now().toISOString() } }] }, pods: { byOwner: () => [] } },
    client: {
      delete: async ({ kind }: { kind: string }, { name }: { name: string }) => calls.push(`delete ${kind} ${name}`),
      create: async ({ kind }: { kind: string }, { metadata }: KubeObject) => calls.push(`create ${kind} ${metadata.name}`),
    },
    clock,
  } as unknown as Deps; // prettier-ignore
  const { signal } = new AbortController();
  const visit = (last?: RunRecord) =>
    advanceRun(deps, definition, last, { mayStart: true, giveUp: () => ({ reason: 'Hopeless', message: '' }), signal });
  const { record } = await visit();
  expect(record).toMatchObject({ number: 1, outcome: 'Failed', reason: 'Hopeless' });
  expect((await visit()).record).toEqual(record);
  expect(calls).toEqual([]);

  clock.advance(2_000);
  await visit(record);
  const [first, second] = [1, 2].map((number) => jobRun(definition, number).job.metadata.name);
  expect(calls).toEqual([`delete ConfigMap ${first}`, `delete Job ${first}`, `create ConfigMap ${second}`, `create Job ${second}`]);
}); // prettier-ignore
