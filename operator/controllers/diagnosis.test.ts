import { describe, expect, test } from '@jest/globals';
import type { Pod } from '../runtime/index.ts';
import { diagnosePods, lastWords } from './diagnosis.ts';

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
    ['that were killed for memory say so', container({ restartCount: 1, state: { running: {} }, lastState: { terminated: { exitCode: 137, reason: 'OOMKilled' } } }), 'was restarted (main: OOMKilled, exit code 137)'],
    ['that were evicted say so', { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' }, 'failed: The node was low on resource: memory.'],
  ])('%s', (_, status, words) => {
    expect(diagnosePods([pod({}), pod(status)])).toBe(words && `pod shop-orders-1 ${words}`);
  }); // prettier-ignore
});

describe('the last words of a log', () => {
  test.each([
    ['are the last error, with its cause', '{"level":"info","msg":"a"}\n{"level":"error","msg":"cannot start","err":{"message":"ECONNREFUSED"}}\n{"level":"info","msg":"bye"}\n', 'cannot start: ECONNREFUSED'],
    ['are the last entry where none is an error', '{"level":30,"msg":"a"}\n{"level":30,"msg":"b"}', 'b'],
    ['are the last lines where it is no JSON', 'a\nb\nTypeError: x is not a function\n    at main.js:1\n', 'a b TypeError: x is not a function at main.js:1'],
    ['are nothing where nothing was said', '\n', ''],
  ])('%s', (_, log, words) => {
    expect(lastWords(log)).toBe(words);
  }); // prettier-ignore
});
