/** What NetworkPolicies would have made of the connections that a node saw. */
import { isAllowed, type Endpoint } from '@orderplane/operator/resources/testing/evaluate-flow.ts';
import type { KubeObject, NetworkPolicy, Pod } from '@orderplane/operator/runtime/index.ts';
import type { Flow, FlowLogEntry } from './flow-log.ts';

/** A connection from a pod, and whom it was with. */
export interface SeenConnection {
  at: number;
  flow: Flow;
  from: Pod;
  /** undefined: something outside of the cluster, or the node itself. */
  to: Pod | undefined;
  /** Whether a policy has a say in it, and whether one refuses it. */
  isPoliced: boolean;
  isRefused: boolean;
}

/** How far the clocks of the kernel's word and of the watches are apart at most. */
const SLACK_MS = 1_500;

export interface FlowHistory {
  /**
   * The connections that pods began, each judged by the policies of its time. What does not come from a pod is left out: the kubelet's probes,
   * and the tests themselves, come from the node.
   */
  connections: SeenConnection[];
  /** Every pod that there was, as it was last. */
  pods: Pod[];
  /** Whether the policies as they were last let a pod connect to another on that port. */
  allows(from: Pod, to: Pod, port: number): boolean;
}

export function flowHistory(log: readonly FlowLogEntry[]): FlowHistory {
  const pods = lifetimesOf<Pod>(log, 'pod');
  const policies = Map.groupBy(lifetimesOf<NetworkPolicy>(log, 'policy'), namespaceOf);
  const labels = new Map(
    lifetimesOf<KubeObject>(log, 'namespace').map(({ object: { metadata } }) => [metadata.name, metadata.labels]),
  );
  const byAddress = Map.groupBy(
    pods.flatMap((pod) => addressesOf(pod).map((address) => ({ address, pod }))),
    ({ address }) => address,
  );

  const podAt = (address: string, at: number) =>
    byAddress
      .get(address)
      ?.map(({ pod }) => pod)
      .filter((pod) => bornAt(pod) <= at + SLACK_MS && at <= endOf(pod) + SLACK_MS)
      .toSorted((a, b) => bornAt(b) - bornAt(a))[0]?.object;
  const policiesAt = (ends: readonly Endpoint[], at: number) =>
    [...new Set(ends.map(({ namespace }) => namespace))]
      .flatMap((namespace) => policies.get(namespace ?? '') ?? [])
      .flatMap(({ versions, goneAt }) =>
        at < goneAt ? (versions.findLast((each) => each.at <= at)?.object ?? []) : [],
      );
  const endpoint = (ip: string, pod: Pod | undefined): Endpoint => {
    if (!pod) return { ip };
    const { namespace = '', labels: ofPod = {} } = pod.metadata;
    return { ip, namespace, namespaceLabels: labels.get(namespace) ?? {}, labels: ofPod };
  };

  function judge(at: number, flow: Flow): SeenConnection | undefined {
    const [fromPod, to] = [podAt(flow.from, at), podAt(flow.to, at)];
    if (!fromPod) return undefined;
    const ends = { from: endpoint(flow.from, fromPod), to: endpoint(flow.to, to) };
    const connection = { ...ends, port: flow.port, protocol: flow.protocol };
    const inForce = (time: number) => policiesAt([ends.from, ends.to], time);
    return {
      at,
      flow,
      from: fromPod,
      to,
      isPoliced: !isAllowed(inForce(at).map(refusingAll), connection),
      // What happens at the same time may be heard of in any order.
      isRefused: [at, at - SLACK_MS, at + SLACK_MS].every((time) => !isAllowed(inForce(time), connection)),
    };
  }

  return {
    connections: log.flatMap((entry) => ('flow' in entry ? (judge(entry.at, entry.flow) ?? []) : [])),
    pods: pods.map(({ object }) => object),
    allows(from, to, port) {
      const [start, end] = [from, to].map((pod) => endpoint(pod.status?.podIP ?? '', pod)) as [Endpoint, Endpoint];
      return isAllowed(policiesAt([start, end], log.at(-1)?.at ?? 0), { from: start, to: end, port });
    },
  };
}

/** `shop-gateway-… → shop-orders-…:50052`, for people. */
export function describeConnection({ at, from, to, flow }: SeenConnection): string {
  const nameOf = ({ metadata }: Pod) => `${metadata.namespace}/${metadata.name}`;
  return `${new Date(at).toISOString()} ${nameOf(from)} → ${to ? nameOf(to) : flow.to}:${flow.port}/${flow.protocol}`;
}

/** What a pod is in its platform: `orders`, `postgres`, `migrate`. */
export function componentOf({ metadata }: Pod): string {
  return metadata.labels?.['app.kubernetes.io/name'] ?? metadata.name;
}

interface Lifetime<T> {
  /** As it was last. */
  object: T;
  versions: { at: number; object: T }[];
  goneAt: number;
}

function lifetimesOf<T extends KubeObject>(
  log: readonly FlowLogEntry[],
  kind: 'pod' | 'policy' | 'namespace',
): Lifetime<T>[] {
  const lifetimes = new Map<string, Lifetime<T>>();
  for (const entry of log) {
    const object = (entry as Partial<Record<typeof kind, T>>)[kind];
    if (!object) continue;
    const { at, isGone } = entry as { at: number; isGone?: boolean };
    const uid = object.metadata.uid ?? '';
    const lifetime = lifetimes.get(uid) ?? { object, versions: [], goneAt: Infinity };
    lifetimes.set(uid, lifetime);
    if (isGone) lifetime.goneAt = at;
    else lifetime.versions.push({ at, object });
    lifetime.object = object;
  }
  return [...lifetimes.values()];
}

function bornAt({ object }: Lifetime<Pod>): number {
  return Date.parse(object.metadata.creationTimestamp ?? '') || 0;
}

/** All that it ever had: what is told of a pod in the end may name none any more. */
function addressesOf({ versions }: Lifetime<Pod>): string[] {
  return [...new Set(versions.flatMap(({ object: { status } }) => status?.podIP ?? []))];
}

/** A pod that has ended keeps its address in its status, which is given to others then. When it ended is not known of containers that the kubelet lost. */
function endOf({ object: { status }, versions, goneAt }: Lifetime<Pod>): number {
  const ended = versions.find(
    ({ object }) => object.status?.phase === 'Succeeded' || object.status?.phase === 'Failed',
  );
  if (!ended) return goneAt;
  const ends = (status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ''));
  const told = Math.max(...ends);
  return Math.min(goneAt, Number.isFinite(told) ? told + 1_000 : ended.at);
}

function namespaceOf({ object }: Lifetime<NetworkPolicy>): string {
  return object.metadata.namespace ?? '';
}

/** The same policy without what it allows: what passes it is not selected by it. */
function refusingAll({ metadata, spec }: NetworkPolicy): NetworkPolicy {
  const policyTypes = spec?.policyTypes ?? ['Ingress'];
  return { metadata, spec: { podSelector: spec?.podSelector, policyTypes } } as NetworkPolicy;
}
