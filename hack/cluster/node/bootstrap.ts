/** What a fresh API server lacks: applied at every start, so that a new version of it reaches old clusters. */
import { type Client } from '@orderplane/operator/runtime/client.ts';
import { Pods, Services, StorageClasses } from '@orderplane/operator/runtime/known-resources.ts';
import { defineResource, keyOf, type KubeObject, type Resource } from '@orderplane/operator/runtime/resource.ts';
import type { NodeNetwork } from '../network.ts';

export const STORAGE_CLASS = 'standard';
export const PROVISIONER = 'orderplane.dev/local-volume';

const ClusterRoles = defineResource('rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', {
  namespaced: false,
});
const ClusterRoleBindings = defineResource(
  'rbac.authorization.k8s.io/v1',
  'ClusterRoleBinding',
  'clusterrolebindings',
  { namespaced: false },
);
const EndpointSlices = defineResource('discovery.k8s.io/v1', 'EndpointSlice', 'endpointslices');

const READ = ['get', 'list', 'watch'];

/** The node's own programs that are no part of Kubernetes, and what they may do. */
const ROLES: Record<string, object[]> = {
  'orderplane:coredns': [
    { apiGroups: [''], resources: ['services', 'pods', 'namespaces'], verbs: READ },
    { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: READ },
  ],
  'orderplane:volume-provisioner': [
    { apiGroups: [''], resources: ['persistentvolumeclaims'], verbs: READ },
    { apiGroups: [''], resources: ['persistentvolumes'], verbs: [...READ, 'create', 'delete'] },
  ],
};

export async function applyBootstrap(client: Client, network: NodeNetwork): Promise<void> {
  const objects: [Resource, KubeObject][] = [
    ...Object.entries(ROLES).flatMap(([user, rules]) => roleFor(user, rules)),
    [StorageClasses, storageClass()],
    [Services, dnsService(network)],
    [EndpointSlices, dnsEndpoints(network)],
  ];
  await Promise.all(objects.map(([resource, object]) => client.apply(resource, object)));
}

function roleFor(user: string, rules: object[]): [Resource, KubeObject][] {
  const metadata = { name: user };
  const apiGroup = 'rbac.authorization.k8s.io';
  return [
    [ClusterRoles, { metadata, rules } as KubeObject],
    [
      ClusterRoleBindings,
      {
        metadata,
        roleRef: { apiGroup, kind: 'ClusterRole', name: user },
        subjects: [{ apiGroup, kind: 'User', name: user }],
      } as KubeObject,
    ],
  ];
}

function storageClass(): KubeObject {
  return {
    metadata: { name: STORAGE_CLASS, annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: PROVISIONER,
    reclaimPolicy: 'Delete',
    volumeBindingMode: 'Immediate',
  } as KubeObject;
}

const DNS_PORTS = [
  { name: 'dns', port: 53, protocol: 'UDP' },
  { name: 'dns-tcp', port: 53, protocol: 'TCP' },
];

/** DNS runs as a process of the node; what looks for it by its usual name finds it all the same. */
function dnsService(network: NodeNetwork): KubeObject {
  return {
    metadata: {
      name: 'kube-dns',
      namespace: 'kube-system',
      labels: { 'k8s-app': 'kube-dns', 'kubernetes.io/name': 'CoreDNS' },
    },
    spec: { clusterIP: network.dnsServiceAddress, ports: DNS_PORTS },
  } as KubeObject;
}

function dnsEndpoints(network: NodeNetwork): KubeObject {
  const labels = {
    'kubernetes.io/service-name': 'kube-dns',
    'endpointslice.kubernetes.io/managed-by': 'orderplane.dev',
  };
  return {
    metadata: { name: 'kube-dns-node', namespace: 'kube-system', labels },
    addressType: 'IPv4',
    endpoints: [{ addresses: [network.nodeAddress], conditions: { ready: true } }],
    ports: DNS_PORTS,
  } as KubeObject;
}

/**
 * Before kubelet has looked, the API still shows the pods as they were when the node was last seen. None of them runs: say so, as
 * Kubernetes does for a node that is gone, so that nobody takes a former Ready for a present one.
 */
export async function markPodsNotReady(client: Client, nodeName: string, now: Date): Promise<void> {
  const { items } = await client.list(Pods, { fieldSelector: `spec.nodeName=${nodeName}` });
  const down = {
    status: 'False',
    reason: 'NodeStarted',
    lastTransitionTime: now.toISOString().replace(/\.\d+Z$/, 'Z'),
  };
  for (const pod of items) {
    const conditions = pod.status?.conditions ?? [];
    if (!conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True')) continue;
    const changed = conditions.map((condition) =>
      /^(Containers)?Ready$/.test(condition.type) ? { ...condition, ...down } : condition,
    );
    const containerStatuses = pod.status?.containerStatuses?.map((container) => ({
      ...container,
      ready: false,
      started: false,
    }));
    await client.mergePatch(
      Pods,
      keyOf(pod),
      { status: { conditions: changed, containerStatuses } },
      { subresource: 'status' },
    );
  }
}
