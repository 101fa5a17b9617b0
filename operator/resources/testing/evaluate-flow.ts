/** What a network plugin makes of NetworkPolicies (networking.k8s.io/v1), for clusters that have none. */
import { BlockList, isIPv6 } from 'node:net';
import type { NetworkPolicy } from '../../runtime/known-resources.ts';

/** An end of a connection. Without a namespace it is no pod: a node, or something outside of the cluster. */
export interface Endpoint {
  namespace?: string;
  namespaceLabels?: Readonly<Record<string, string>>;
  labels?: Readonly<Record<string, string>>;
  ip: string;
  /** The node that a pod runs on says so by the pod's own node: what it sends to its pods is never policed. */
  node?: string;
  /** Named ports of the pod. */
  ports?: Readonly<Record<string, number>>;
}

export interface Connection {
  from: Endpoint;
  to: Endpoint;
  port: number;
  protocol?: 'TCP' | 'UDP';
}

type Spec = NonNullable<NetworkPolicy['spec']>;
type Rule = { ports?: Ports; peers: PolicyPeer[] | undefined };
type Ports = NonNullable<NonNullable<Spec['ingress']>[number]['ports']>;
type PolicyPeer = NonNullable<NonNullable<NonNullable<Spec['ingress']>[number]['from']>[number]>;
type Selector = NonNullable<Spec['podSelector']>;

/**
 * Whether a connection comes about: the policies of the pod that it leaves let it out, and those of the pod that it reaches let it in. A pod
 * that no policy selects for a direction is open in that direction; where several select it, one that allows is enough.
 * Answers to an allowed connection are allowed too, and so is everything between a pod and its own node, which is how the kubelet probes.
 */
export function isAllowed(policies: readonly NetworkPolicy[], connection: Connection): boolean {
  const { from, to } = connection;
  if (from.node !== undefined && from.node === to.node && (from.namespace === undefined || to.namespace === undefined))
    return true;
  return (
    passes(policies, from, 'Egress', connection, ({ egress }) =>
      (egress ?? []).map((rule) => ({ peers: rule.to, ports: rule.ports })),
    ) &&
    passes(policies, to, 'Ingress', connection, ({ ingress }) =>
      (ingress ?? []).map((rule) => ({ peers: rule.from, ports: rule.ports })),
    )
  );
}

function passes(
  policies: readonly NetworkPolicy[],
  pod: Endpoint,
  direction: 'Ingress' | 'Egress',
  connection: Connection,
  rulesOf: (spec: Spec) => Rule[],
): boolean {
  if (pod.namespace === undefined) return true;
  const other = direction === 'Ingress' ? connection.from : connection.to;
  const selecting = policies.filter(({ metadata, spec }) => {
    const isIn = metadata.namespace === pod.namespace && selects(spec?.podSelector, pod.labels);
    // The API server fills policyTypes in: always Ingress, and Egress where there are egress rules.
    const types = spec?.policyTypes ?? ['Ingress', ...(spec?.egress ? ['Egress'] : [])];
    return isIn && types.includes(direction);
  });
  if (selecting.length === 0) return true;
  return selecting.some(({ metadata, spec }) =>
    rulesOf(spec as Spec).some(
      ({ peers, ports }) =>
        hasPort(ports, connection) &&
        (!peers?.length || peers.some((peer) => isPeer(peer, other, metadata.namespace ?? ''))),
    ),
  );
}

function hasPort(ports: Ports | undefined, { port, protocol = 'TCP', to }: Connection): boolean {
  if (!ports?.length) return true;
  return ports.some((each) => {
    if ((each.protocol ?? 'TCP') !== protocol) return false;
    if (each.port === undefined) return true;
    const first = typeof each.port === 'string' ? to.ports?.[each.port] : Number(each.port);
    return first !== undefined && port >= first && port <= (each.endPort ?? first);
  });
}

function isPeer(peer: PolicyPeer, end: Endpoint, policyNamespace: string): boolean {
  if (peer.ipBlock) {
    const { cidr, except = [] } = peer.ipBlock;
    return isInside(end.ip, cidr) && !except.some((hole) => isInside(end.ip, hole));
  }
  if (end.namespace === undefined) return false;
  const isNamespace = peer.namespaceSelector
    ? selects(peer.namespaceSelector, end.namespaceLabels)
    : end.namespace === policyNamespace;
  return isNamespace && (!peer.podSelector || selects(peer.podSelector, end.labels));
}

function isInside(ip: string, cidr: string): boolean {
  const [network = '', prefix] = cidr.split('/');
  const family = isIPv6(network) ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), family);
  return list.check(ip, isIPv6(ip) ? 'ipv6' : 'ipv4');
}

/** An empty selector selects everything. */
function selects(selector: Selector | undefined, labels: Endpoint['labels'] = {}): boolean {
  const expressions = (selector?.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    const value = labels[key];
    switch (operator) {
      case 'In':
        return value !== undefined && values.includes(value);
      case 'NotIn':
        return value === undefined || !values.includes(value);
      case 'Exists':
        return value !== undefined;
      default:
        return value === undefined;
    }
  });
  return expressions && Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
}
