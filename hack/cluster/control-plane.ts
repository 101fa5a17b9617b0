/** Flags and files of the control plane's processes: pure, and the same for the full node and for the tests' bare API server. */
import { readFile, writeFile } from 'node:fs/promises';
import type { ClientName, Pki } from './certificates.ts';

export interface EtcdOptions {
  dataDir: string;
  clientPort: number;
  peerPort: number;
  /** False trades durability across a power cut for speed: only for clusters that nobody keeps. */
  fsync: boolean;
}

export function etcdArgs(options: EtcdOptions): string[] {
  const client = `http://127.0.0.1:${options.clientPort}`;
  const peer = `http://127.0.0.1:${options.peerPort}`;
  return [
    `--data-dir=${options.dataDir}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    '--quota-backend-bytes=4294967296',
    ...(options.fsync ? [] : ['--unsafe-no-fsync']),
  ];
}

export interface AuditOptions {
  policyFile: string;
  logPath: string;
  maxSizeMegabytes: number;
  maxBackups: number;
}

export interface ApiServerOptions {
  pki: Pki;
  address: string;
  port: number;
  etcdPort: number;
  serviceCidr: string;
  audit?: AuditOptions;
  disabledAdmission?: readonly string[];
  /** Given when there is a kubelet to talk to (logs, exec). */
  kubeletClient?: boolean;
}

export function apiServerArgs(options: ApiServerOptions): string[] {
  const { pki, audit } = options;
  const kubelet = pki.client('apiserver-kubelet-client');
  return [
    `--etcd-servers=http://127.0.0.1:${options.etcdPort}`,
    `--advertise-address=${options.address}`,
    `--bind-address=${options.address}`,
    `--secure-port=${options.port}`,
    `--tls-cert-file=${pki.server.certificate}`,
    `--tls-private-key-file=${pki.server.key}`,
    `--client-ca-file=${pki.ca.certificate}`,
    `--service-account-key-file=${pki.serviceAccountKey}`,
    `--service-account-signing-key-file=${pki.serviceAccountKey}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-cluster-ip-range=${options.serviceCidr}`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--anonymous-auth=false',
    '--profiling=false',
    '--allow-privileged=true',
    // A single API server: nothing to reconcile between peers, and its own endpoint goes away with it.
    '--endpoint-reconciler-type=master-count',
    ...(options.disabledAdmission?.length
      ? [`--disable-admission-plugins=${options.disabledAdmission.join(',')}`]
      : []),
    ...(options.kubeletClient
      ? [
          `--kubelet-client-certificate=${kubelet.certificate}`,
          `--kubelet-client-key=${kubelet.key}`,
          // The node's name is in no DNS.
          '--kubelet-preferred-address-types=InternalIP',
        ]
      : []),
    ...(audit
      ? [
          `--audit-policy-file=${audit.policyFile}`,
          `--audit-log-path=${audit.logPath}`,
          `--audit-log-maxsize=${audit.maxSizeMegabytes}`,
          `--audit-log-maxbackup=${audit.maxBackups}`,
        ]
      : []),
  ];
}

export interface ControllerManagerOptions {
  pki: Pki;
  kubeconfig: string;
  /** 0 keeps the health and metrics port closed. */
  port: number;
}

export function controllerManagerArgs(options: ControllerManagerOptions): string[] {
  const { pki } = options;
  return [
    `--kubeconfig=${options.kubeconfig}`,
    `--service-account-private-key-file=${pki.serviceAccountKey}`,
    `--root-ca-file=${pki.ca.certificate}`,
    `--cluster-signing-cert-file=${pki.ca.certificate}`,
    `--cluster-signing-key-file=${pki.ca.key}`,
    `--secure-port=${options.port}`,
    '--bind-address=127.0.0.1',
    '--use-service-account-credentials=true',
    '--leader-elect=false',
    '--profiling=false',
  ];
}

/** Metadata of every request once it is answered. RequestReceived would double the log and say nothing more. */
export const AUDIT_POLICY = JSON.stringify({
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [{ level: 'Metadata' }],
});

export interface KubeconfigOptions {
  server: string;
  pki: Pki;
  client: ClientName;
  /** Name of cluster, user and context. */
  name: string;
}

export interface Kubeconfig {
  apiVersion: 'v1';
  kind: 'Config';
  'current-context': string;
  clusters: { name: string; cluster: { server: string; 'certificate-authority-data': string } }[];
  users: { name: string; user: { 'client-certificate-data': string; 'client-key-data': string } }[];
  contexts: { name: string; context: { cluster: string; user: string } }[];
}

/** A kubeconfig that needs no other file. */
export async function kubeconfigFor(options: KubeconfigOptions): Promise<Kubeconfig> {
  const { name, pki } = options;
  const pair = pki.client(options.client);
  const [ca, certificate, key] = await Promise.all(
    [pki.ca.certificate, pair.certificate, pair.key].map((path) => readFile(path, 'base64')),
  );
  return {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster: { server: options.server, 'certificate-authority-data': ca as string } }],
    users: [{ name, user: { 'client-certificate-data': certificate as string, 'client-key-data': key as string } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
  };
}

/** Writes it as JSON, which is YAML too. */
export async function writeKubeconfig(path: string, options: KubeconfigOptions): Promise<void> {
  await writeFile(path, JSON.stringify(await kubeconfigFor(options), undefined, 2), { mode: 0o600 });
}
