/** Plays the kubelet on a control plane without nodes: gives every pod the status that a test wants it to have. */
import {
  createManager,
  isNotFound,
  keyOf,
  Pods,
  silentLogger,
  toKubeTime,
  type Client,
  type Pod,
} from '../../runtime/index.ts';
import { hasEnded } from '../caches.ts';

/** `run`: containers run and are ready, Jobs succeed. `hold`: nothing happens. */
export type Behaviour =
  | { kind: 'run' }
  | { kind: 'hold' }
  | { kind: 'result'; result: { ok: boolean; [field: string]: unknown } }
  | { kind: 'crash'; log: string }
  /** A status in the kubelet's words, of the one container; `called` tells it from others. */
  | { kind: 'says'; called: string; status: Partial<NonNullable<Pod['status']>>; container?: object };

export interface FakeKubelet {
  /** Decides for pods by their name; the last rule that was set and matches wins. A Job is called like its purpose. */
  behave(pods: RegExp, behaviour: Behaviour): Promise<void>;
  stop(): Promise<void>;
}

/** What our own Jobs answer when all is well, by command. */
const RESULTS: Record<string, { ok: boolean; [field: string]: unknown }> = {
  connect: { ok: true, logins: 1 },
  provision: { ok: true, changes: 3 },
  migrate: { ok: true, currentVersion: '0001', applied: [{ version: '0001', name: 'init', durationMs: 5, appliedAt: '2026-01-01T00:00:00Z' }], pending: [], appliedByThisRun: 1 },
  seed: { ok: true, datasets: [{ name: 'products', inserted: 1, updated: 0, skipped: 0, deleted: 0 }] },
  verify: { ok: true, orderId: 'o1', visibleAfterMs: 12 },
}; // prettier-ignore

export async function startKubelet(client: Client): Promise<FakeKubelet> {
  const stop = new AbortController();
  const manager = createManager({ client, log: silentLogger, name: 'fake-kubelet' });
  const pods = manager.informer(Pods);
  const rules: { pods: RegExp; behaviour: Behaviour }[] = [];

  const behaviourOf = (pod: Pod): Behaviour =>
    rules.findLast((rule) => rule.pods.test(pod.metadata.name))?.behaviour ?? { kind: 'run' };

  manager.controller({
    name: 'kubelet',
    for: pods,
    concurrency: 8,
    async reconcile(key) {
      const pod = pods.get(key);
      if (!pod || pod.metadata.deletionTimestamp || hasEnded(pod)) return { kind: 'done' };
      const status = statusOf(pod, behaviourOf(pod));
      if (status && pod.status?.message !== status.message) await patchStatus(client, pod, status);
      return { kind: 'done' };
    },
  });
  const running = manager.run(stop.signal);
  await pods.synced();
  return {
    async behave(match, behaviour) {
      rules.push({ pods: match, behaviour });
      for (const pod of pods.list().filter((each) => match.test(each.metadata.name) && !hasEnded(each))) {
        const status = statusOf(pod, behaviour);
        if (status) await patchStatus(client, pod, status);
      }
    },
    async stop() {
      stop.abort();
      await running;
    },
  };
}

async function patchStatus(client: Client, pod: Pod, status: object): Promise<void> {
  try {
    await client.mergePatch(Pods, keyOf(pod), { status }, { subresource: 'status' });
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
}

/** `message` tells our own statuses apart, so that none is written twice. */
function statusOf(pod: Pod, behaviour: Behaviour) {
  if (behaviour.kind === 'hold') return undefined;
  const names = (pod.spec?.containers ?? []).map(({ name }) => name);
  const isJob = 'batch.kubernetes.io/job-name' in (pod.metadata.labels ?? {});
  const now = toKubeTime(new Date());
  const container = (state: object, ready: boolean, restartCount = 0) =>
    names.map((name) => ({
      name,
      image: 'fake',
      imageID: 'fake',
      ready,
      started: ready,
      restartCount,
      state,
      lastState: {},
    }));
  const conditions = (ready: boolean) =>
    ['PodScheduled', 'Initialized', 'ContainersReady', 'Ready'].map((type) => ({
      type,
      status: ready || type === 'PodScheduled' ? 'True' : 'False',
      lastTransitionTime: now,
    }));
  if (behaviour.kind === 'says') {
    const { called, status, container: fields } = behaviour;
    const [state] = container({}, false);
    const containerStatuses = fields && [{ ...state, ...fields }];
    return { phase: 'Running', message: called, conditions: conditions(false), containerStatuses, ...status };
  }
  if (behaviour.kind === 'crash') {
    const terminated = { exitCode: 1, reason: 'Error', message: behaviour.log, startedAt: now, finishedAt: now };
    if (isJob)
      return {
        phase: 'Failed',
        message: 'ended',
        conditions: conditions(false),
        containerStatuses: container({ terminated }, false),
      };
    const [state] = container({ waiting: { reason: 'CrashLoopBackOff' } }, false, 3);
    const containerStatuses = [{ ...state, lastState: { terminated } }];
    return { phase: 'Running', message: 'crash', conditions: conditions(false), containerStatuses };
  }
  if (!isJob)
    return {
      phase: 'Running',
      message: 'run',
      conditions: conditions(true),
      containerStatuses: container({ running: { startedAt: now } }, true),
    };
  const command = pod.metadata.labels?.['app.kubernetes.io/name'] ?? '';
  const result = behaviour.kind === 'result' ? behaviour.result : (RESULTS[command] ?? { ok: true });
  const terminated = { exitCode: result.ok ? 0 : 1, message: JSON.stringify(result), startedAt: now, finishedAt: now };
  return {
    phase: result.ok ? 'Succeeded' : 'Failed',
    message: 'ended',
    conditions: conditions(false),
    containerStatuses: container({ terminated }, false),
  };
}
