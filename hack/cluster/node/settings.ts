/** The settings files of the node's components, as text. */
import type { NodeNetwork } from '../network.ts';

export interface ContainerdOptions {
  root: string;
  socket: string;
  cniDir: string;
  snapshotter: string;
  pauseImage: string;
}

export function containerdSettings(options: ContainerdOptions): string {
  const text = JSON.stringify;
  return `version = 2
root = ${text(options.root)}
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs"]

[grpc]
  address = ${text(options.socket)}

[plugins."io.containerd.grpc.v1.cri"]
  # Without CAP_SYS_RESOURCE a score below our own cannot be set, and runc would fail to start anything.
  restrict_oom_score_adj = true
  sandbox_image = ${text(options.pauseImage)}
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = ${text(options.snapshotter)}
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = ${text(options.cniDir)}
`;
}

/**
 * Point-to-point links, not a bridge: all traffic between pods is routed, so that kube-proxy's translations are undone on the way back
 * without br_netfilter. The host masquerades what leaves the machine.
 */
export function cniNetwork(network: NodeNetwork): string {
  return JSON.stringify({
    cniVersion: '0.4.0',
    name: 'orderplane',
    plugins: [
      {
        type: 'ptp',
        ipMasq: false,
        ipam: {
          type: 'host-local',
          dataDir: '/run/cni',
          ranges: [[{ subnet: network.podCidr }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
    ],
  });
}

export interface KubeletOptions {
  network: NodeNetwork;
  clientCa: string;
  socket: string;
  cgroupRoot: string;
}

export function kubeletSettings(options: KubeletOptions): string {
  return JSON.stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: options.clientCa },
    },
    authorization: { mode: 'Webhook' },
    clusterDNS: [options.network.nodeAddress],
    clusterDomain: 'cluster.local',
    containerRuntimeEndpoint: `unix://${options.socket}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: options.cgroupRoot,
    failCgroupV1: false,
    failSwapOn: false,
    evictionHard: {
      'memory.available': '100Mi',
      'nodefs.available': '1%',
      'imagefs.available': '1%',
      'nodefs.inodesFree': '1%',
    },
    // A changed Secret reaches the pods that mount it with their next sync.
    syncFrequency: '10s',
    // Imported images cannot be pulled again, so none is ever collected.
    imageGCHighThresholdPercent: 100,
    serializeImagePulls: false,
    crashLoopBackOff: { maxContainerRestartPeriod: '1s' },
    featureGates: { KubeletCrashLoopBackOffMax: true },
  });
}

export interface CorefileOptions {
  address: string;
  kubeconfig: string;
  nameservers: readonly string[];
}

/** Answers for the cluster come from a watch and are never cached; only those from upstream are. */
export function corefile(options: CorefileOptions): string {
  return `.:53 {
  errors
  ready ${options.address}:8181
  cache 30 {
    disable success cluster.local
    disable denial cluster.local
  }
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig ${options.kubeconfig}
    fallthrough in-addr.arpa ip6.arpa
    ttl 5
  }
${options.nameservers.length > 0 ? `  forward . ${options.nameservers.join(' ')}\n` : ''}}
`;
}
