import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../runtime/index.ts';
import { diagnosePods, nextFaultMs } from './diagnosis.ts';

const NOW = new Date('2026-01-01T00:10:00Z');
const secondsAgo = (seconds: number) => new Date(NOW.getTime() - seconds * 1_000).toISOString();
const runningFor = (seconds: number) => ({ running: { startedAt: secondsAgo(seconds) } });
const ended = (exitCode: number, reason: string, message?: string) => ({ terminated: { exitCode, reason, message } });

type Status = NonNullable<Pod['status']>;
const pod = (status: Status): Pod => ({ metadata: { name: 'shop-orders-1' }, status });
const container = (fields: object): Status => ({
  containerStatuses: [{ name: 'main', image: 'shop/orders:1', imageID: '', ready: false, restartCount: 0, ...fields }],
});

describe('pods', () => {
  test.each<[string, Status, string | undefined]>([
    ['that just start have nothing to say', container({ state: { waiting: { reason: 'ContainerCreating' } } }), undefined],
    ['that are ready have nothing to say', container({ ready: true, restartCount: 2, state: { running: {} } }), undefined],
    ['that fit nowhere say so', { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/1 nodes: Insufficient cpu' }] }, 'cannot be scheduled: 0/1 nodes: Insufficient cpu'],
    ['without an image name it', container({ state: { waiting: { reason: 'ImagePullBackOff', message: 'manifest unknown' } } }), 'cannot pull image shop/orders:1: manifest unknown'],
    ['that may not start say why', container({ state: { waiting: { reason: 'CreateContainerConfigError', message: 'secret "x" not found' } } }), 'cannot start main: secret "x" not found'],
    ['that crash give their last words', container({ state: { waiting: { reason: 'CrashLoopBackOff' } }, lastState: { terminated: { exitCode: 1, reason: 'Error', message: '{"level":"error","msg":"no route"}' } } }), 'keeps crashing (main: exit code 1): no route'],
    ['whose image is not there say why, once', container({ state: { waiting: { reason: 'ImagePullBackOff', message: 'Back-off pulling image "shop/orders:1": ErrImagePull: shop/orders:1: not found' } } }), 'cannot pull image shop/orders:1: shop/orders:1: not found'],
    ['that were just killed for memory say so', container({ restartCount: 1, state: runningFor(3), lastState: ended(137, 'OOMKilled') }), 'was restarted (main: OOMKilled, exit code 137)'],
    ['that crash again and again say so at every turn', container({ restartCount: 2, state: runningFor(3), lastState: ended(1, 'Error') }), 'keeps crashing (main: exit code 1)'],
    ['that are about to run again say what ended them', container({ restartCount: 2, state: { waiting: {} }, lastState: ended(1, 'Error') }), 'keeps crashing (main: exit code 1)'],
    ['whose last end the kubelet has forgotten crashed all the same', container({ restartCount: 2, state: runningFor(3) }), 'keeps crashing (main: exit code unknown)'],
    ['that run again for long are not ready for another reason', container({ restartCount: 1, started: true, state: runningFor(60), lastState: ended(137, 'OOMKilled') }), 'runs, but is not ready'],
    ['whose node went down do not count as crashed', container({ restartCount: 1, started: true, state: runningFor(7), lastState: ended(255, 'Unknown', '{"level":20,"msg":"handled"}') }), 'runs, but is not ready'],
    ['whose node went down and that just came back need time', container({ restartCount: 1, started: true, state: runningFor(2), lastState: ended(255, 'Unknown') }), undefined],
    ['that are long in coming up say so', container({ started: false, state: runningFor(20) }), 'has not come up yet'],
    ['that take their time to come up have nothing to say', container({ started: false, state: runningFor(10) }), undefined],
    ['that were evicted say so', { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' }, 'failed: The node was low on resource: memory.'],
  ])('%s', (_, status, words) => {
    expect(diagnosePods([pod({}), pod(status)], NOW)).toBe(words && `pod shop-orders-1 ${words}`);
  }); // prettier-ignore
});

test('a pod with a certain fault is the cause, before one that is only not ready', () => {
  const unready = pod(container({ started: true, state: runningFor(60) }));
  const pulling = pod(container({ state: { waiting: { reason: 'ErrImagePull', message: 'no such host' } } }));
  expect(diagnosePods([unready, pulling], NOW)).toContain('cannot pull image');
});

test('a pod that needs time is looked at again when its time is over', () => {
  expect(nextFaultMs([pod(container({ started: false, state: runningFor(10) }))], NOW)).toBe(5_000);
  expect(nextFaultMs([pod(container({ ready: true, started: true, state: runningFor(10) }))], NOW)).toBeUndefined();
});
