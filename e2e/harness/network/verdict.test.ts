import { expect, test } from '@jest/globals';
import type { NetworkPolicy, Pod } from '@orderplane/operator/runtime/index.ts';
import { parseFlow, type Flow, type FlowLogEntry } from './flow-log.ts';
import { flowHistory } from './verdict.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const at = (seconds: number) => START + seconds * 1_000;

function pod(name: string, podIP: string, born = 0, ended?: number): FlowLogEntry {
  const terminated = ended !== undefined && { finishedAt: new Date(at(ended)).toISOString() };
  const object = {
    metadata: { name, namespace: 'shop', uid: name, labels: { app: name }, creationTimestamp: new Date(at(born)).toISOString() },
    status: { podIP, phase: terminated ? 'Succeeded' : 'Running', containerStatuses: terminated ? [{ state: { terminated } }] : [] },
  };
  return { at: at(born), pod: object as unknown as Pod };
} // prettier-ignore

const policy = (app: string, from: string, seconds: number): FlowLogEntry => ({
  at: at(seconds),
  policy: {
    metadata: { name: app, namespace: 'shop', uid: `policy-${app}` },
    spec: {
      podSelector: { matchLabels: { app } },
      policyTypes: ['Ingress'],
      ingress: [{ from: [{ podSelector: { matchLabels: { app: from } } }], ports: [{ port: 5432 as never }] }],
    },
  } as NetworkPolicy,
});

const flow = (from: string, to: string, seconds: number, port = 5432): FlowLogEntry => ({
  at: at(seconds),
  flow: { protocol: 'TCP', from, to, port },
});

const DB = pod('db', '10.0.0.2');
const LOST: FlowLogEntry = {
  at: at(20),
  pod: {
    metadata: { name: 'db', namespace: 'shop', uid: 'db', labels: { app: 'db' }, creationTimestamp: new Date(START).toISOString() },
    status: { phase: 'Failed', containerStatuses: [{ state: { terminated: { reason: 'ContainerStatusUnknown' } } }] },
  } as unknown as Pod,
}; // prettier-ignore
const CLOSED = policy('db', 'web', 0);

test.each<[string, FlowLogEntry[], string[]]>([
  ['is allowed that a policy allows', [pod('web', '10.0.0.1'), DB, CLOSED, flow('10.0.0.1', '10.0.0.2', 10)], ['web policed']],
  ['is refused from a pod that it does not name', [pod('job', '10.0.0.1'), DB, CLOSED, flow('10.0.0.1', '10.0.0.2', 10)], ['job policed refused']],
  ['is refused on a port that it does not name', [pod('web', '10.0.0.1'), DB, CLOSED, flow('10.0.0.1', '10.0.0.2', 10, 22)], ['web policed refused']],
  ['is nobody’s business without a policy', [pod('job', '10.0.0.1'), DB, flow('10.0.0.1', '10.0.0.2', 10)], ['job']],
  ['is judged by the policies of its time', [pod('job', '10.0.0.1'), DB, flow('10.0.0.1', '10.0.0.2', 10), policy('db', 'web', 30)], ['job']],
  ['is allowed if a policy that allows it comes at that moment', [pod('web', '10.0.0.1'), DB, policy('db', 'job', 0), flow('10.0.0.1', '10.0.0.2', 10), policy('db', 'web', 11)], ['web policed']],
  ['is left out that comes from the node', [DB, CLOSED, flow('10.0.0.9', '10.0.0.2', 10)], []],
  ['is of the pod that has the address then', [pod('job', '10.0.0.1', 0, 5), pod('web', '10.0.0.1', 20), DB, CLOSED, flow('10.0.0.1', '10.0.0.2', 4), flow('10.0.0.1', '10.0.0.2', 25)], ['job policed refused', 'web policed']],
  ['is of a pod also when in the end neither its address nor when it ended was told', [pod('job', '10.0.0.1'), DB, CLOSED, flow('10.0.0.1', '10.0.0.2', 10), LOST, flow('10.0.0.1', '10.0.0.2', 25)], ['job policed refused', 'job']],
])('a connection %s', (_, log, wanted) => {
  const seen = flowHistory(log).connections.map(({ from, isPoliced, isRefused }) =>
    [from.metadata.name, isPoliced && 'policed', isRefused && 'refused'].filter(Boolean).join(' '),
  );
  expect(seen).toEqual(wanted);
}); // prettier-ignore

test.each<[string, string, Flow | undefined]>([
  ['to a Service ends at the pod that it came to', '    [NEW] tcp      6 120 SYN_SENT src=10.214.1.9 dst=10.215.1.40 sport=51844 dport=5432 [UNREPLIED] src=10.214.1.5 dst=10.214.1.9 sport=5432 dport=51844', { protocol: 'TCP', from: '10.214.1.9', to: '10.214.1.5', port: 5432 }],
  ['of UDP is one too', '    [NEW] udp      17 30 src=10.214.1.9 dst=10.213.1.2 sport=40000 dport=53 [UNREPLIED] src=10.213.1.2 dst=10.214.1.9 sport=53 dport=40000', { protocol: 'UDP', from: '10.214.1.9', to: '10.213.1.2', port: 53 }],
  ['of another protocol is none', '    [NEW] icmp     1 30 src=10.214.1.9 dst=10.214.1.5 type=8 code=0 id=1 [UNREPLIED] src=10.214.1.5 dst=10.214.1.9 type=0 code=0 id=1', undefined],
])('what conntrack says of a connection %s', (_, line, wanted) => {
  expect(parseFlow(line)).toEqual(wanted);
}); // prettier-ignore
