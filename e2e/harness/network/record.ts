/** Records the connections of a node's pods, as its kernel tracks them. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { clusterLayout } from '@orderplane/hack/cluster/layout.ts';
import { currentState } from '@orderplane/hack/cluster/status.ts';
import type { Progress } from '@orderplane/hack/progress.ts';
import { ensureTools } from '@orderplane/hack/toolchain/index.ts';
import {
  createClient,
  Namespaces,
  NetworkPolicies,
  Pods,
  type KubeObject,
  type NetworkPolicy,
  type Pod,
  type Resource,
} from '@orderplane/operator/runtime/index.ts';
import type { TestNode } from '../node.ts';
import { E2E_CLUSTER } from '../prepare.ts';
import { states } from '../watching.ts';
import { parseFlow, type FlowLogEntry } from './flow-log.ts';

type Entry = FlowLogEntry extends infer E ? (E extends FlowLogEntry ? Omit<E, 'at'> : never) : never;

export interface FlowRecording {
  /** Ends it; fails if it had ended by itself. */
  stop(): Promise<void>;
}

/** Writes every new connection to the node's flow log, with the pods, policies and namespaces as they come and go. */
export async function recordFlows(
  { kubeconfigPath, context, flowLogPath }: TestNode,
  report: Progress,
  name: string = E2E_CLUSTER,
): Promise<FlowRecording> {
  const { conntrack } = await ensureTools(['conntrack'], report);
  const nodePid = (await currentState(clusterLayout(name)))?.nodePid;
  if (nodePid === undefined) throw new Error(`the node of cluster ${name} does not run`);
  const file = createWriteStream(flowLogPath);
  const write = (entry: Entry) => void file.write(`${JSON.stringify({ at: Date.now(), ...entry })}\n`);
  const client = createClient({ kubeconfig: { path: kubeconfigPath, context }, fieldManager: 'e2e' });
  const stopped = new AbortController();
  const watches = [
    follow<Pod>(Pods, (pod, isGone) => write({ pod: whatMattersOf(pod), ...(isGone && { isGone }) })),
    follow<NetworkPolicy>(NetworkPolicies, (policy, isGone) =>
      write({ policy: bare(policy), ...(isGone && { isGone }) }),
    ),
    follow<KubeObject>(Namespaces, (namespace, isGone) =>
      write({ namespace: bare(namespace), ...(isGone && { isGone }) }),
    ),
  ];

  async function follow<T extends KubeObject>(resource: Resource<T>, note: (object: T, isGone: boolean) => void) {
    let known = new Map<string, T>();
    for await (const objects of states(client, resource, {}, stopped.signal)) {
      const present = new Map(objects.map((object) => [object.metadata.uid ?? '', object]));
      for (const [uid, object] of present)
        if (known.get(uid)?.metadata.resourceVersion !== object.metadata.resourceVersion) note(object, false);
      for (const [uid, object] of known) if (!present.has(uid)) note(object, true);
      known = present;
    }
  }

  const tracking = track(nodePid, conntrack, (line) => {
    const flow = parseFlow(line);
    if (flow) write({ flow });
  });
  return {
    async stop() {
      const hadEnded = tracking.child.exitCode ?? tracking.child.signalCode;
      tracking.child.kill();
      stopped.abort();
      await Promise.all(watches);
      await client.close();
      file.end();
      await finished(file);
      if (hadEnded !== null) throw new Error(`conntrack ended with ${hadEnded}: ${tracking.said()}`);
    },
  };
}

interface Tracking {
  child: ChildProcess;
  /** Its complaints. */
  said(): string;
}

/** The kernel tells of a connection in the network namespace that it goes through: the node's. */
function track(nodePid: number, conntrack: string, onLine: (line: string) => void): Tracking {
  const events = ['--event', '--event-mask', 'NEW', '--family', 'ipv4', '--buffer-size', String(8 * 1024 * 1024)];
  const child = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', '--', 'nsenter', '--target', String(nodePid), '--net', '--', conntrack, ...events],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (said = (said + chunk).slice(-2_000)));
  child.once('error', (error) => (said += error.message));
  createInterface({ input: child.stdout }).on('line', onLine);
  return { child, said: () => said.trim() };
}

function bare<T extends KubeObject>({ metadata, ...rest }: T): T {
  const { name, namespace, uid, labels } = metadata;
  return { ...('spec' in rest && { spec: rest.spec }), metadata: { name, namespace, uid, labels } } as unknown as T;
}

function whatMattersOf({ metadata, spec, status }: Pod): Pod {
  const { name, namespace, uid, labels, creationTimestamp } = metadata;
  const containers = spec?.containers.map(({ ports, name: container }) => ({ name: container, ports }));
  const containerStatuses = status?.containerStatuses?.map(({ name: container, state }) => ({
    name: container,
    state,
  }));
  return {
    metadata: { name, namespace, uid, labels, creationTimestamp },
    spec: { containers },
    status: { podIP: status?.podIP, phase: status?.phase, containerStatuses },
  } as Pod;
}
