/**
 * Runs inside the node's namespaces (or, for a bare control plane, beside the host's processes) and keeps its components running.
 * Started by the daemon, which it tells its state over IPC; without a daemon it ends.
 */
import { get } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient, type Client } from '@orderplane/operator/runtime/client.ts';
import { Nodes } from '@orderplane/operator/runtime/known-resources.ts';
import { pkiAt } from '../certificates.ts';
import { type ClusterConfig } from '../config.ts';
import { writeKubeconfig } from '../control-plane.ts';
import { importImages } from '../images.ts';
import type { ClusterLayout } from '../layout.ts';
import { nodeNetwork, type NodeNetwork } from '../network.ts';
import { logTail } from '../process.ts';
import { runCommand } from '../../toolchain/command.ts';
import { apiServerReady } from '../readiness.ts';
import type { ComponentState } from '../status.ts';
import { applyBootstrap, markPodsNotReady } from './bootstrap.ts';
import { apiServerUrl, components, CONTAINERD_SOCKET, contextOf, nodeNameOf, writeSettings } from './components.ts';
import { keepRunning } from './keep.ts';
import { isolateMounts } from './mounts.ts';
import { runProvisioner, type ProvisionerOptions } from './provisioner.ts';

/** From the daemon: what to run, once it has plugged the network in. */
export interface StartMessage {
  layout: ClusterLayout;
  config: ClusterConfig;
  nameservers: string[];
  snapshotter: string;
}

/** To the daemon. `entered` comes first: the namespaces exist. */
export type SupervisorMessage =
  | { kind: 'entered' }
  | { kind: 'progress'; message: string }
  | { kind: 'components'; components: ComponentState[] }
  | { kind: 'ready' }
  | { kind: 'failed'; message: string };

const READY_TIMEOUT_MS = 120_000;
const FAILED_STARTS = 5;
const POLL_MS = 100;
const PROVISIONER_PAUSE_MS = 1_000;

function tell(message: SupervisorMessage): void {
  process.send?.(message);
}

process.on('disconnect', () => process.exit(1));
process.once('message', (message) => {
  start(message as StartMessage).catch((error: unknown) => {
    console.error(error);
    tell({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  });
});
tell({ kind: 'entered' });

async function start({ layout, config, nameservers, snapshotter }: StartMessage): Promise<void> {
  const network = nodeNetwork(config.slot);
  const isNode = config.tier === 'node';
  if (isNode) {
    await isolateMounts(layout, nameservers);
    await configureNetwork(network);
  }
  await writeSettings(layout, config, nameservers, snapshotter);
  await writeKubeconfig(layout.kubeconfig, {
    server: apiServerUrl(config),
    pki: pkiAt(layout.pki),
    client: 'admin',
    name: contextOf(config),
  });

  const failure = new AbortController();
  const keep = componentKeeper(failure);
  const { base, clients } = components(layout, config);
  const startedAt = Date.now();
  tell({ kind: 'progress', message: 'etcd and API server' });
  base.forEach(keep);
  const client = createClient({ kubeconfig: { path: layout.kubeconfig }, fieldManager: 'orderplane-node' });
  await orFailure(failure.signal, Promise.all([
    apiServerReady(apiServerUrl(config), pkiAt(layout.pki), [], READY_TIMEOUT_MS),
    isNode && importPauseImage(config, snapshotter),
  ])); // prettier-ignore
  if (isNode)
    await Promise.all([applyBootstrap(client, network), markPodsNotReady(client, nodeNameOf(config), new Date())]);

  clients.forEach(keep);
  if (isNode) {
    tell({ kind: 'progress', message: 'kubelet and DNS' });
    void keepProvisioning({ kubeconfig: layout.kubeconfig, volumesDir: layout.volumes, nodeName: nodeNameOf(config) });
    const deadline = AbortSignal.any([failure.signal, AbortSignal.timeout(READY_TIMEOUT_MS)]);
    await orFailure(
      deadline,
      Promise.all([nodeReady(client, nodeNameOf(config), startedAt, deadline), dnsReady(network, deadline)]),
    );
  }
  tell({ kind: 'ready' });
}

/** Keeps components running and tells the daemon about each; one that cannot even start the first few times is a failure. */
function componentKeeper(failure: AbortController): (spec: Parameters<typeof keepRunning>[0]) => void {
  const states = new Map<string, ComponentState>();
  return (spec) =>
    keepRunning(spec, (state) => {
      states.set(state.name, state);
      tell({ kind: 'components', components: [...states.values()] });
      if (state.restarts === FAILED_STARTS && !state.running) {
        void logTail(spec.log).then((log) => failure.abort(new Error(`${spec.name} does not start:\n${log}`)));
      }
    });
}

function orFailure<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = () => reject(signal.reason);
    if (signal.aborted) fail();
    signal.addEventListener('abort', fail, { once: true });
    work.then(resolve, reject);
  });
}

async function configureNetwork(network: NodeNetwork): Promise<void> {
  const commands = [
    'link set lo up',
    `address replace ${network.nodeAddress}/30 dev eth0`,
    'link set eth0 up',
    `route replace default via ${network.hostAddress}`,
  ];
  await runCommand('ip', ['-batch', '-'], { input: `${commands.join('\n')}\n` });
  await runCommand('sysctl', ['-q', '-w', 'net.ipv4.ip_forward=1']);
}

async function importPauseImage(config: ClusterConfig, snapshotter: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    try {
      await importImages(config.pauseImage ? [config.pauseImage] : [], { socket: CONTAINERD_SOCKET, snapshotter });
      return;
    } catch (error) {
      // containerd may not listen yet.
      if (Date.now() > deadline) throw error;
      await delay(POLL_MS);
    }
  }
}

/** A failure of the provisioner must not end the node. */
async function keepProvisioning(options: ProvisionerOptions): Promise<never> {
  for (;;) {
    await runProvisioner(options, new AbortController().signal).catch((error: unknown) =>
      console.error('volumes:', error),
    );
    await delay(PROVISIONER_PAUSE_MS);
  }
}

/** Ready since kubelet's last start: the API still shows the state from before. */
async function nodeReady(client: Client, name: string, since: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    const node = await client.get(Nodes, { namespace: '', name }, { signal });
    const ready = node?.status?.conditions?.find((condition) => condition.type === 'Ready');
    if (ready?.status === 'True' && Date.parse(ready.lastHeartbeatTime ?? '') + 1000 > since) return;
    await delay(POLL_MS, undefined, { signal });
  }
}

async function dnsReady(network: NodeNetwork, signal: AbortSignal): Promise<void> {
  const answers = () =>
    new Promise<boolean>((resolve) => {
      get(`http://${network.nodeAddress}:8181/ready`, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      }).on('error', () => resolve(false));
    });
  while (!(await answers())) await delay(POLL_MS, undefined, { signal });
}
