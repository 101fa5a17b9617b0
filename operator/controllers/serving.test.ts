import { describe, expect, test } from '@jest/globals';
import { ApiError, fakeClock, type Client, type Pod } from '../runtime/index.ts';
import { servingGap } from './serving.ts';

const NODES: Record<string, object> = {
  up: { status: { conditions: [{ type: 'Ready', status: 'True' }] } },
  silent: { status: { conditions: [{ type: 'Ready', status: 'Unknown', message: 'Kubelet stopped posting node status.' }] } },
  fresh: { status: {} },
}; // prettier-ignore

const pod = (nodeName: string | undefined, status = 'True', metadata: object = {}) =>
  ({ metadata: { name: 'p', ...metadata }, spec: { nodeName, containers: [] }, status: { conditions: [{ type: 'Ready', status }] } }) as unknown as Pod; // prettier-ignore

function nodeOf(name: string): object | undefined {
  if (name === 'hidden') throw new ApiError('no right to get nodes', { status: 403, reason: 'Forbidden' });
  return NODES[name];
}

function ask(pods: Pod[], wanted: number) {
  const client = { get: async (_: unknown, { name }: { name: string }) => nodeOf(name) } as unknown as Client;
  return servingGap({ client, clock: fakeClock() }, pods, wanted, { signal: new AbortController().signal });
}

describe('pods', () => {
  test.each<[string, Pod[], number, string | undefined]>([
    ['serve that are ready, on a node that is', [pod('up')], 1, 'enough'],
    ['serve that are ready, where no node is known', [pod(undefined)], 1, 'enough'],
    ['serve that are ready, where the operator may not look at the node', [pod('hidden')], 1, 'enough'],
    ['are enough without one whose node is silent', [pod('silent'), pod('up')], 1, 'enough'],
    ['do not serve on a node that is silent', [pod('silent')], 1, 'node silent is not ready: Kubelet stopped posting node status.'],
    ['do not serve on a node that has not reported', [pod('fresh')], 1, 'node fresh is not ready: it has not reported yet'],
    ['do not serve on a node that is gone', [pod('gone')], 1, 'node gone is gone'],
    ['do not serve that are not ready', [pod('up', 'False')], 1, undefined],
    ['do not serve that are going', [pod('up', 'True', { deletionTimestamp: 'now' })], 1, undefined],
    ['do not serve where there are none', [], 1, undefined],
    ['need not be there where none are wanted', [], 0, 'enough'],
  ])('%s', async (_, pods, wanted, words) => {
    const gap = await ask(pods, wanted);
    expect(gap ? gap.words : 'enough').toBe(words);
  }); // prettier-ignore
});
