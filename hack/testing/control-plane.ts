import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensurePki, type Pki } from '../cluster/certificates.ts';
import {
  apiServerArgs,
  AUDIT_POLICY,
  controllerManagerArgs,
  etcdArgs,
  writeKubeconfig,
} from '../cluster/control-plane.ts';
import { freePorts } from '../cluster/ports.ts';
import { startProcess, type RunningProcess } from '../cluster/process.ts';
import { apiServerReady, ProcessDied } from '../cluster/readiness.ts';
import { silentProgress } from '../progress.ts';
import { ensureTools } from '../toolchain/index.ts';
import { temporaryFolder, type TemporaryFolder } from './temporary-folder.ts';

export interface ControlPlaneOptions {
  /** Name of the kubeconfig's context. */
  name?: string;
  /** Also runs kube-controller-manager: ReplicaSets, Jobs, garbage collection, ServiceAccounts. Nothing ever schedules a pod. */
  controllerManager?: boolean;
  /** Writes one JSON line a request (level Metadata) to `auditLogPath`. */
  audit?: boolean;
}

export interface ControlPlane {
  /** Path of a kubeconfig with full rights. */
  kubeconfig: string;
  server: string;
  auditLogPath?: string;
  /** kill -9 of the API server (and of etcd, and the controller manager), then a start on the same data and port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

interface Ports {
  api: number;
  etcdClient: number;
  etcdPeer: number;
  controllerManager: number;
}

const PREFIX = 'orderplane-control-plane-';
const READY_TIMEOUT_MS = 60_000;

/**
 * Starts etcd and kube-apiserver on ports of localhost, in a temporary directory, without root. Nothing outlives this process:
 * the kernel ends the children, and what a kill -9 leaves in the temporary directory is removed by the next start.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const folder = await temporaryFolder(PREFIX);
  const dir = folder.path;
  try {
    await writeFile(join(dir, 'audit-policy.json'), AUDIT_POLICY);
    const pki = await ensurePki(join(dir, 'pki'), {
      serverHosts: ['localhost', 'kubernetes.default.svc'],
      serverAddresses: ['127.0.0.1'],
      clients: ['admin', 'kube-controller-manager'],
    });
    const { processes, ports } = await startOnFreePorts(dir, pki, options);
    return controlPlane(folder, pki, options, ports, processes);
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

function controlPlane(
  folder: TemporaryFolder,
  pki: Pki,
  options: ControlPlaneOptions,
  ports: Ports,
  started: RunningProcess[],
): ControlPlane {
  const dir = folder.path;
  let processes = started;
  return {
    kubeconfig: join(dir, 'kubeconfig'),
    server: serverUrl(ports),
    auditLogPath: options.audit ? join(dir, 'audit.log') : undefined,
    restart: async () => {
      await killAll(processes);
      processes = await startAll(dir, pki, options, ports);
    },
    stop: async () => {
      await killAll(processes);
      await folder.remove();
    },
  };
}

/** Another process may take a port between our looking and our listening: then another set of ports is tried. */
async function startOnFreePorts(
  dir: string,
  pki: Pki,
  options: ControlPlaneOptions,
): Promise<{ processes: RunningProcess[]; ports: Ports }> {
  for (let attempt = 1; ; attempt++) {
    const [api = 0, etcdClient = 0, etcdPeer = 0, controllerManager = 0] = await freePorts(4);
    const ports = { api, etcdClient, etcdPeer, controllerManager };
    try {
      return { processes: await startAll(dir, pki, options, ports), ports };
    } catch (error) {
      const portTaken = error instanceof ProcessDied && error.message.includes('address already in use');
      if (!portTaken || attempt === 3) throw error;
      await rm(join(dir, 'etcd'), { recursive: true, force: true });
    }
  }
}

async function startAll(dir: string, pki: Pki, options: ControlPlaneOptions, ports: Ports): Promise<RunningProcess[]> {
  const server = serverUrl(ports);
  const name = options.name ?? 'orderplane-test';
  const tools = await ensureTools(['etcd', 'kube-apiserver', 'kube-controller-manager'], silentProgress);
  await writeKubeconfig(join(dir, 'kubeconfig'), { server, pki, client: 'admin', name });
  const processes: RunningProcess[] = [];
  const start = async (program: keyof typeof tools, args: string[]) => {
    processes.push(
      await startProcess({ name: program, command: tools[program], args, log: join(dir, `${program}.log`), cwd: dir }),
    );
  };
  try {
    await start(
      'etcd',
      etcdArgs({ dataDir: join(dir, 'etcd'), clientPort: ports.etcdClient, peerPort: ports.etcdPeer, fsync: false }),
    );
    await start('kube-apiserver', apiServerArgs({
      pki,
      address: '127.0.0.1',
      port: ports.api,
      etcdPort: ports.etcdClient,
      serviceCidr: '10.96.0.0/16',
      // Without a controller manager nobody makes the ServiceAccounts and tokens that this plugin insists on.
      disabledAdmission: options.controllerManager ? [] : ['ServiceAccount'],
      audit: options.audit
        ? { policyFile: join(dir, 'audit-policy.json'), logPath: join(dir, 'audit.log'), maxSizeMegabytes: 1024, maxBackups: 1 }
        : undefined,
    })); // prettier-ignore
    await apiServerReady(server, pki, processes, READY_TIMEOUT_MS);
    if (options.controllerManager) {
      const kubeconfig = join(dir, 'kube-controller-manager.kubeconfig');
      await writeKubeconfig(kubeconfig, { server, pki, client: 'kube-controller-manager', name });
      const args = controllerManagerArgs({ pki, kubeconfig, port: ports.controllerManager });
      // Tests run many namespaces at once: the controllers are not to hold them up.
      await start('kube-controller-manager', [...args, '--kube-api-qps=1000', '--kube-api-burst=1000']);
    }
    return processes;
  } catch (error) {
    await killAll(processes);
    throw error;
  }
}

async function killAll(processes: readonly RunningProcess[]): Promise<void> {
  for (const running of processes) running.kill('SIGKILL');
  await Promise.all(processes.map((running) => running.exited));
}

function serverUrl(ports: Ports): string {
  return `https://127.0.0.1:${ports.api}`;
}
