/** The processes of a node with their arguments and settings files: pure but for `writeSettings`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pkiAt, type ClientName } from '../certificates.ts';
import type { ClusterConfig } from '../config.ts';
import { apiServerArgs, AUDIT_POLICY, controllerManagerArgs, etcdArgs, writeKubeconfig } from '../control-plane.ts';
import type { ClusterLayout } from '../layout.ts';
import { nodeNetwork } from '../network.ts';
import type { ProcessSpec } from '../process.ts';
import type { ClusterTool } from '../tools.ts';
import { cniNetwork, containerdSettings, corefile, kubeletSettings } from './settings.ts';

export const CONTAINERD_SOCKET = '/run/containerd/containerd.sock';
const AUDIT_MEGABYTES = 100;
const AUDIT_BACKUPS = 2;
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface Components {
  /** Started first, all at once. */
  base: ProcessSpec[];
  /** Started when the API server answers. */
  clients: ProcessSpec[];
}

/** The node, its cgroup and the kubeconfig's context share this name. */
export function nodeNameOf(config: ClusterConfig): string {
  return `orderplane-${config.name}`;
}

export const contextOf = nodeNameOf;

/** Where the API server listens, and where its clients find it. */
export function apiServerAddress(config: ClusterConfig): string {
  return config.tier === 'node' ? nodeNetwork(config.slot).nodeAddress : '127.0.0.1';
}

export function apiServerUrl(config: ClusterConfig): string {
  return `https://${apiServerAddress(config)}:${config.ports.api}`;
}

export function components(layout: ClusterLayout, config: ClusterConfig): Components {
  const spec = (name: ClusterTool, args: string[], extraEnv: NodeJS.ProcessEnv = {}): ProcessSpec => ({
    name,
    command: toolOf(config, name),
    args,
    log: join(layout.logs, `${name}.log`),
    env: { PATH, HOME: layout.dir, ...extraEnv },
    cwd: layout.dir,
  });
  const controlPlane = {
    base: [spec('etcd', etcdFlags(layout, config)), spec('kube-apiserver', apiServerFlags(layout, config))],
    clients: [spec('kube-controller-manager', controllerManagerFlags(layout, config))],
  };
  if (config.tier === 'control-plane') return controlPlane;
  return {
    base: [
      spec('containerd', [`--config=${setting(layout, 'containerd.toml')}`], registryProxy(config)),
      ...controlPlane.base,
    ],
    clients: [
      ...controlPlane.clients,
      spec('kube-scheduler', schedulerFlags(layout)),
      spec('kubelet', kubeletFlags(layout, config)),
      spec('kube-proxy', proxyFlags(layout, config)),
      spec('coredns', [`-conf=${setting(layout, 'Corefile')}`]),
    ],
  };
}

function toolOf(config: ClusterConfig, name: ClusterTool): string {
  const path = config.tools[name];
  if (!path) throw new Error(`${name} is not part of a cluster of tier ${config.tier}`);
  return path;
}

function etcdFlags(layout: ClusterLayout, config: ClusterConfig): string[] {
  const { etcdClient, etcdPeer } = config.ports;
  return etcdArgs({ dataDir: layout.etcd, clientPort: etcdClient, peerPort: etcdPeer, fsync: config.fsync });
}

function apiServerFlags(layout: ClusterLayout, config: ClusterConfig): string[] {
  return apiServerArgs({
    pki: pkiAt(layout.pki),
    address: apiServerAddress(config),
    port: config.ports.api,
    etcdPort: config.ports.etcdClient,
    serviceCidr: nodeNetwork(config.slot).serviceCidr,
    kubeletClient: config.tier === 'node',
    audit: {
      policyFile: setting(layout, 'audit-policy.json'),
      logPath: layout.auditLog,
      maxSizeMegabytes: AUDIT_MEGABYTES,
      maxBackups: AUDIT_BACKUPS,
    },
  });
}

function controllerManagerFlags(layout: ClusterLayout, config: ClusterConfig): string[] {
  const kubeconfig = kubeconfigOf(layout, 'kube-controller-manager');
  return controllerManagerArgs({ pki: pkiAt(layout.pki), kubeconfig, port: config.ports.controllerManager });
}

function schedulerFlags(layout: ClusterLayout): string[] {
  const kubeconfig = kubeconfigOf(layout, 'kube-scheduler');
  return [`--kubeconfig=${kubeconfig}`, '--bind-address=127.0.0.1', '--leader-elect=false'];
}

function kubeletFlags(layout: ClusterLayout, config: ClusterConfig): string[] {
  return [
    `--config=${setting(layout, 'kubelet.json')}`,
    `--kubeconfig=${kubeconfigOf(layout, 'kubelet')}`,
    `--node-ip=${nodeNetwork(config.slot).nodeAddress}`,
    `--hostname-override=${nodeNameOf(config)}`,
  ];
}

function proxyFlags(layout: ClusterLayout, config: ClusterConfig): string[] {
  return [
    `--kubeconfig=${kubeconfigOf(layout, 'kube-proxy')}`,
    `--cluster-cidr=${nodeNetwork(config.slot).podCidr}`,
    `--hostname-override=${nodeNameOf(config)}`,
    '--proxy-mode=nftables',
    // The size of the connection table belongs to the host and cannot be set from a network namespace.
    '--conntrack-max-per-core=0',
  ];
}

/** Only image pulls go through the host's proxy; in-cluster addresses never do. */
function registryProxy(config: ClusterConfig): NodeJS.ProcessEnv {
  const { podCidr, serviceCidr, linkCidr } = nodeNetwork(config.slot);
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'http_proxy', 'https_proxy'];
  const proxies = Object.fromEntries(
    names.filter((name) => process.env[name]).map((name) => [name, process.env[name]]),
  );
  const noProxy = [process.env['NO_PROXY'] ?? process.env['no_proxy'], podCidr, serviceCidr, linkCidr]
    .filter(Boolean)
    .join(',');
  return { ...proxies, NO_PROXY: noProxy };
}

function setting(layout: ClusterLayout, file: string): string {
  return join(layout.settings, file);
}

function kubeconfigOf(layout: ClusterLayout, client: ClientName): string {
  return setting(layout, `${client}.kubeconfig`);
}

const CLIENTS: readonly ClientName[] = [
  'kube-controller-manager',
  'kube-scheduler',
  'kube-proxy',
  'kubelet',
  'coredns',
  'volume-provisioner',
];

/** Writes every file that the components' arguments name. They are derived: written anew at each start. */
export async function writeSettings(
  layout: ClusterLayout,
  config: ClusterConfig,
  nameservers: readonly string[],
  snapshotter: string,
): Promise<void> {
  const network = nodeNetwork(config.slot);
  const pki = pkiAt(layout.pki);
  const cniDir = setting(layout, 'cni');
  await mkdir(cniDir, { recursive: true });
  const files: Record<string, string> = {
    'audit-policy.json': AUDIT_POLICY,
    'containerd.toml': containerdSettings({
      root: layout.containerd,
      socket: CONTAINERD_SOCKET,
      cniDir,
      snapshotter,
      pauseImage: config.pauseImage?.reference ?? '',
    }),
    'cni/10-orderplane.conflist': cniNetwork(network),
    'kubelet.json': kubeletSettings({
      network,
      clientCa: pki.ca.certificate,
      socket: CONTAINERD_SOCKET,
      cgroupRoot: `/${nodeNameOf(config)}`,
    }),
    Corefile: corefile({ address: network.nodeAddress, kubeconfig: kubeconfigOf(layout, 'coredns'), nameservers }),
  };
  await Promise.all([
    ...Object.entries(files).map(([name, content]) => writeFile(setting(layout, name), content)),
    ...CLIENTS.map((client) =>
      writeKubeconfig(kubeconfigOf(layout, client), { server: apiServerUrl(config), pki, client, name: config.name }),
    ),
  ]);
}
