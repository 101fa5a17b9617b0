import type { NetworkPolicy } from '../../runtime/known-resources.ts';
import { ownedMetadata, PLATFORM_LABEL, selectorLabels } from '../labels.ts';
import { componentName } from '../names.ts';
import type { Platform } from '../platform.ts';
import type { SecretData } from '../desired.ts';
import { flowsOf, type Component, type Flow, type Peer } from './flows.ts';

type Spec = NonNullable<NetworkPolicy['spec']>;
type PolicyPeer = NonNullable<NonNullable<NonNullable<Spec['ingress']>[number]['from']>[number]>;
type PolicyPorts = NonNullable<NonNullable<Spec['ingress']>[number]['ports']>;

/** Pods of cluster DNS listen on 53, those of OpenShift on 5353; where they run differs. */
const DNS_PORTS = [53, 5353];

/**
 * The NetworkPolicies of a platform; none where they are switched off. One closes all of its pods, DNS aside; one for each component
 * opens what the component has to do with others. Pods of others in the namespace are not selected by any.
 * @param secrets data of the credential Secrets: where external stores are
 */
export function networkPolicies(platform: Platform, secrets: SecretData): NetworkPolicy[] {
  if (!platform.isRestricted) return [];
  const flows = flowsOf(platform, secrets);
  const components = new Map<string, Component>();
  for (const peer of flows.flatMap(({ from, to }) => [from, to])) {
    if ('component' in peer) components.set(peer.component.name, peer.component);
  }
  return [
    defaultDeny(platform),
    ...[...components.values()]
      .toSorted((a, b) => a.name.localeCompare(b.name))
      .map((component) => componentPolicy(platform, component, flows)),
  ];
}

function defaultDeny(platform: Platform): NetworkPolicy {
  return policy(platform, 'default-deny', {
    podSelector: { matchLabels: { [PLATFORM_LABEL]: platform.name } },
    policyTypes: ['Ingress', 'Egress'],
    egress: [{ ports: DNS_PORTS.flatMap((port) => (['UDP', 'TCP'] as const).map((protocol) => ({ protocol, port }))) }],
  });
}

function componentPolicy(platform: Platform, component: Component, flows: readonly Flow[]): NetworkPolicy {
  const isIt = (peer: Peer) => 'component' in peer && peer.component.name === component.name;
  const incoming = rules(
    platform,
    flows.filter(({ to }) => isIt(to)).map(({ from, ports }) => ({ peer: from, ports })),
  );
  const outgoing = rules(
    platform,
    flows.filter(({ from }) => isIt(from)).map(({ to, ports }) => ({ peer: to, ports })),
  );
  return policy(platform, component.name, {
    podSelector: { matchLabels: selectorLabels(platform, component.name, component.role) },
    policyTypes: ['Ingress', 'Egress'],
    ...(incoming.length > 0 && {
      ingress: incoming.map(({ peers, ports }) => ({ ...(peers && { from: peers }), ports })),
    }),
    ...(outgoing.length > 0 && {
      egress: outgoing.map(({ peers, ports }) => ({ ...(peers && { to: peers }), ports })),
    }),
  });
}

interface Rule {
  /** undefined: everybody. */
  peers: PolicyPeer[] | undefined;
  ports: PolicyPorts;
}

/** One rule for each set of ports, so that a policy reads as a list of who may do what. */
function rules(platform: Platform, sides: readonly { peer: Peer; ports: readonly number[] }[]): Rule[] {
  const groups = Map.groupBy(sides, ({ peer, ports }) => `${'world' in peer} ${ports.join()}`);
  return Array.from(groups.values(), (group) => {
    const ports = (group[0]?.ports ?? []).map((port) => ({ protocol: 'TCP', port }));
    const peers = group.flatMap(({ peer }) => policyPeer(platform, peer) ?? []);
    const unique = [...new Map(peers.map((peer) => [JSON.stringify(peer), peer])).values()];
    return { peers: unique.length > 0 ? unique : undefined, ports };
  });
}

function policyPeer(platform: Platform, peer: Peer): PolicyPeer | undefined {
  if ('component' in peer)
    return { podSelector: { matchLabels: selectorLabels(platform, peer.component.name, peer.component.role) } };
  if ('pods' in peer) return { namespaceSelector: {} };
  if ('address' in peer) return { ipBlock: { cidr: peer.address } };
  return undefined;
}

function policy(platform: Platform, component: string, spec: Spec): NetworkPolicy {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: ownedMetadata(platform, componentName(platform.name, component), component, 'edge'),
    spec,
  };
}
