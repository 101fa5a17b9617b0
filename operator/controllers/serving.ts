/**
 * Whether pods serve, as they and their nodes have it. What a Deployment or StatefulSet says of itself is older: its controller counts
 * what the pods said before, and pods go on saying that they are ready while their node is down.
 */
import {
  findCondition,
  FORBIDDEN,
  isDeleting,
  Nodes,
  unlessForbidden,
  type Client,
  type Pod,
  type ReconcileContext,
} from '../runtime/index.ts';
import type { Cause } from './cause.ts';
import type { Deps } from './deps.ts';

/** Nodes are not watched, there may be thousands: one is asked at most this often, and again while it is not ready. */
const NODE_MEMORY_MS = 3_000;

/** Why fewer pods serve than are wanted; undefined where enough do. Without words where they just need time. */
export async function servingGap(
  { client, clock }: Pick<Deps, 'client' | 'clock'>,
  pods: readonly Pod[],
  wanted: number,
  { signal }: Pick<ReconcileContext, 'signal'>,
): Promise<Cause | undefined> {
  const ready = pods.filter(
    (pod) => !isDeleting(pod) && findCondition(pod.status?.conditions, 'Ready')?.status === 'True',
  );
  if (ready.length < wanted) return {};
  const now = clock.now().getTime();
  const faults = await Promise.all(ready.map((pod) => nodeFault(client, pod.spec?.nodeName, now, signal)));
  const down = faults.filter((fault) => fault !== undefined);
  if (ready.length - down.length >= wanted) return undefined;
  return { words: down[0] as string, lookAgainMs: NODE_MEMORY_MS };
}

type Known = { at: number; fault: Promise<string | undefined> };
const known = new WeakMap<Client, Map<string, Known>>();

function nodeFault(
  client: Client,
  name: string | undefined,
  now: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!name) return Promise.resolve(undefined);
  const nodes = known.get(client) ?? new Map<string, Known>();
  known.set(client, nodes);
  const last = nodes.get(name);
  if (last && now - last.at < NODE_MEMORY_MS) return last.fault;
  const fault = askNode(client, name, signal);
  nodes.set(name, { at: now, fault });
  fault.catch(() => nodes.delete(name));
  return fault;
}

async function askNode(client: Client, name: string, signal: AbortSignal): Promise<string | undefined> {
  const node = await unlessForbidden(client.get(Nodes, { namespace: '', name }, { signal }));
  // What is left then is the pod's own word, which the cluster takes back within a minute of a node's silence.
  if (node === FORBIDDEN) return undefined;
  if (!node) return `node ${name} is gone`;
  const ready = findCondition(node.status?.conditions, 'Ready');
  if (ready?.status === 'True') return undefined;
  return `node ${name} is not ready: ${ready?.message ?? 'it has not reported yet'}`;
}
