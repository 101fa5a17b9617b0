import { describe, expect, test } from '@jest/globals';
import {
  Deployments,
  HorizontalPodAutoscalers,
  managersOf,
  PodDisruptionBudgets,
  type Deployment,
  type Resource,
} from '../../runtime/index.ts';
import { eventually } from '../testing/eventually.ts';
import { sharedCluster } from '../testing/shared-cluster.ts';

const { cluster, platforms } = await sharedCluster();
let operator = cluster.startOperator();

const own = (fields: object = {}) => ({ name: 'mine', image: 'x', port: 9000, ...fields });
const key = (namespace: string) => ({ namespace, name: 'shop-mine' });

async function deployment(namespace: string): Promise<Deployment> {
  const live = await cluster.client.get(Deployments, key(namespace));
  if (!live) throw new Error('Deployment shop-mine is gone');
  return live;
}

/** As the autoscaler does it: through the scale subresource. */
const AS_AUTOSCALER = { subresource: 'scale', fieldManager: 'autoscaler' };
const scale = (namespace: string, replicas: number) =>
  cluster.client.mergePatch(Deployments, key(namespace), { spec: { replicas } }, AS_AUTOSCALER);

/** Every number of replicas that the Deployment ever has, from now on. */
async function watchReplicas(namespace: string): Promise<{ seen: number[]; stop(): void }> {
  const stop = new AbortController();
  const { metadata, spec } = await deployment(namespace);
  const seen = [spec?.replicas ?? -1];
  const watched = cluster.client.watch(Deployments, {
    namespace,
    resourceVersion: metadata.resourceVersion ?? '',
    timeoutSeconds: 300,
    idleMs: 300_000,
    signal: stop.signal,
  });
  void (async () => {
    for await (const event of watched) {
      const replicas = event.type === 'MODIFIED' ? event.object.spec?.replicas : undefined;
      if (replicas !== undefined && replicas !== seen.at(-1)) seen.push(replicas);
    }
  })().catch(() => {});
  return { seen, stop: () => stop.abort() };
}

/** Waits until the operator has rolled a change out. */
async function rollOut(namespace: string, fields: object): Promise<void> {
  const value = Math.random().toString(36);
  await platforms.change(namespace, { services: [own({ ...fields, env: [{ name: 'CHANGE', value }] })] });
  await eventually('the change is rolled out', async () =>
    (await deployment(namespace)).spec?.template.spec?.containers[0]?.env?.some((variable) => variable.value === value),
  );
  await platforms.ready(namespace);
  await operator.idle();
}

test('a profile sets pods, log level, spread, budget and scaling of services, but not of stores', async () => {
  const namespace = await cluster.namespace();
  const shape = async () => {
    const { spec } = await deployment(namespace);
    const budget = await cluster.client.get(PodDisruptionBudgets, key(namespace));
    const scaler = await cluster.client.get(HorizontalPodAutoscalers, key(namespace));
    return {
      replicas: spec?.replicas,
      logLevel: spec?.template.spec?.containers[0]?.env?.find(({ name }) => name === 'LOG_LEVEL')?.value,
      spreadOver: (spec?.template.spec?.topologySpreadConstraints ?? []).map(({ topologyKey }) => topologyKey),
      mayLose: budget?.spec?.maxUnavailable,
      scaled: scaler && `${scaler.spec?.minReplicas}-${scaler.spec?.maxReplicas}`,
    };
  };
  const spread = ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'];
  const profiles = {
    dev: { replicas: 1, logLevel: 'DEBUG', spreadOver: [], mayLose: undefined, scaled: undefined },
    staging: { replicas: 2, logLevel: 'INFO', spreadOver: spread, mayLose: 1, scaled: undefined },
    prod: { replicas: 3, logLevel: 'INFO', spreadOver: spread, mayLose: 1, scaled: '3-6' },
  };
  await platforms.create(namespace, { profile: 'prod', services: [own()] });
  for (const profile of ['prod', 'dev', 'staging'] as const) {
    await platforms.change(namespace, { profile });
    await platforms.ready(namespace);
    await operator.idle();
    expect([profile, await shape()]).toEqual([profile, profiles[profile]]);
  }
}, 60_000);

describe('an autoscaler', () => {
  test('is neither fought nor undone: not by changes, drift, a new operator, or being switched off and on', async () => {
    const namespace = await cluster.namespace();
    const autoscaling = { minReplicas: 1, maxReplicas: 9 };
    await platforms.create(namespace, { services: [own({ autoscaling })] });
    await platforms.ready(namespace);
    const { seen, stop } = await watchReplicas(namespace);

    await rollOut(namespace, { autoscaling });
    await scale(namespace, 4);
    await rollOut(namespace, { autoscaling });
    await scale(namespace, 7);
    await cluster.client.mergePatch(Deployments, key(namespace), { spec: { minReadySeconds: 1, template: { spec: { terminationGracePeriodSeconds: 1 } } } });
    await eventually('drift is repaired', async () => (await deployment(namespace)).spec?.template.spec?.terminationGracePeriodSeconds === 30);
    await operator.kill();
    operator = cluster.startOperator();
    await operator.idle();
    expect(seen).toEqual([1, 4, 7]);
    expect(managersOf(await deployment(namespace), 'spec.replicas')).toEqual(['autoscaler']);

    await rollOut(namespace, { replicas: 3 });
    await eventually('the autoscaler is gone', async () => !(await cluster.client.get(HorizontalPodAutoscalers, key(namespace))));
    await scale(namespace, 5);
    await eventually('a fixed number is kept', async () => (await deployment(namespace)).spec?.replicas === 3);
    await rollOut(namespace, { autoscaling });
    expect(await cluster.client.get(HorizontalPodAutoscalers, key(namespace))).toBeDefined();
    await rollOut(namespace, { autoscaling });
    await scale(namespace, 2);
    await rollOut(namespace, { autoscaling });
    stop();
    expect(seen).toEqual([1, 4, 7, 3, 5, 3, 2]);
  }, 120_000); // prettier-ignore

  test('that adds pods does not make the platform unready while they start', async () => {
    const namespace = await cluster.namespace();
    const slow = { namespace, name: 'shop-slow' };
    await platforms.create(namespace, { services: [own({ name: 'slow', autoscaling: { maxReplicas: 3 } })] });
    const before = await platforms.ready(namespace);
    await cluster.kubelet.behave(/^shop-slow-/, { kind: 'hold' });
    await cluster.client.mergePatch(Deployments, slow, { spec: { replicas: 3 } }, AS_AUTOSCALER);
    await eventually('it has more pods', async () => (await cluster.client.get(Deployments, slow))?.status?.replicas === 3);
    await operator.idle();
    expect(await platforms.condition(namespace, 'Ready')).toEqual(before);
    expect((await platforms.read(namespace)).status?.components).toMatchObject([{ name: 'slow', ready: 1, desired: 3 }]);
  }, 60_000); // prettier-ignore
});

test.each<[string, Resource, object, number]>([
  ['an autoscaler', HorizontalPodAutoscalers, { spec: { maxReplicas: 50 } }, 6],
  ['a budget', PodDisruptionBudgets, { spec: { maxUnavailable: 3 } }, 1],
])(
  '%s is repaired when it is changed, and when it is deleted',
  async (_, resource, drift, wanted) => {
    const namespace = await cluster.namespace();
    await platforms.create(namespace, { profile: 'prod', services: [own()] });
    await platforms.ready(namespace);
    const isRight = async () => {
      const { spec } = ((await cluster.client.get(resource, key(namespace))) ?? {}) as {
        spec?: { maxReplicas?: number; maxUnavailable?: number };
      };
      return (spec?.maxReplicas ?? spec?.maxUnavailable) === wanted;
    };
    await eventually('it is there', isRight);
    await cluster.client.mergePatch(resource, key(namespace), drift);
    await eventually('the change is undone', isRight);
    await cluster.client.delete(resource, key(namespace));
    await eventually('it is made again', isRight);
  },
  60_000,
);
