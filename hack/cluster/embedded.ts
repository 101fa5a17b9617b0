import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inStep, type Progress, type Step } from '../progress.ts';
import { cacheDir } from '../toolchain/cache.ts';
import { withLock } from '../toolchain/lock.ts';
import { ensurePki, pkiAt } from './certificates.ts';
import { removeCgroups } from './cgroups.ts';
import type { Cluster, ClusterProvider, ClusterStatus, UpOptions } from './cluster.ts';
import { configHash, listConfigs, readConfig, writeConfig, type ClusterConfig, type Tier } from './config.ts';
import { kubeconfigFor } from './control-plane.ts';
import { egressClosed, restoreForwarding, unlinkNode } from './host-network.ts';
import { importImages, snapshotterFor } from './images.ts';
import {
  kubeconfigExists,
  mergeKubeconfig,
  removeFromKubeconfig,
  updateKubeconfigFile,
  userKubeconfigPath,
} from './kubeconfig.ts';
import { clusterLayout, clustersDir, DEFAULT_CLUSTER_NAME, orderplaneHome, type ClusterLayout } from './layout.ts';
import { chooseSlot, hostCidrs, nodeNetwork } from './network.ts';
import { apiServerAddress, apiServerUrl, CONTAINERD_SOCKET, contextOf, nodeNameOf } from './node/components.ts';
import { ensurePauseImage } from './pause-image.ts';
import { assertPortsFree, freePorts } from './ports.ts';
import { logTail } from './process.ts';
import { currentState, followState, type ClusterState } from './status.ts';
import { clusterTools } from './tools.ts';

export interface EmbeddedOptions {
  name?: string;
  home?: string;
  /** The kubeconfig that `up` adds the cluster to; the user's by default. */
  userKubeconfig?: string;
}

const STOP_TIMEOUT_MS = 15_000;
const NODE_PORTS = { api: 6443, etcdClient: 2379, etcdPeer: 2380, controllerManager: 10257 };

/** A Kubernetes of our own on this machine: real components in namespaces of their own, all state in one folder. */
export function embeddedProvider(options: EmbeddedOptions = {}): ClusterProvider {
  const home = options.home ?? orderplaneHome();
  const layout = clusterLayout(options.name ?? DEFAULT_CLUSTER_NAME, home);
  const userKubeconfig = options.userKubeconfig ?? userKubeconfigPath();
  return {
    name: 'embedded',
    async up(upOptions, report) {
      const config = await prepare(home, layout, upOptions, report);
      await inStep(report, `cluster ${layout.name}`, (step) => ensureRunning(layout, config, step, upOptions.signal));
      await addToKubeconfig(userKubeconfig, layout, config);
      return clusterOf(layout, config, userKubeconfig);
    },
    down: (report) => inStep(report, `removing cluster ${layout.name}`, () => remove(home, layout, userKubeconfig)),
    status: () => statusOf(layout),
  };
}

/** Everything that can be settled without a running node. Ports come first: nobody waits ten minutes to hear that one is taken. */
async function prepare(
  home: string,
  layout: ClusterLayout,
  options: UpOptions,
  report: Progress,
): Promise<ClusterConfig> {
  const former = await readConfig(layout);
  const tier = options.tier ?? former?.tier ?? 'node';
  if (former && former.tier !== tier) {
    const remedy = `remove it first (orderplane down --name ${layout.name}), or choose another name`;
    throw new Error(`cluster ${layout.name} is of tier ${former.tier}: ${remedy}`);
  }
  if (tier === 'node') assertRoot();
  const forwards = [...(options.forwards ?? former?.forwards ?? [])];
  if (!(await currentState(layout))) await assertPortsFree(forwards.map((forward) => forward.listen));

  const tools = await clusterTools(tier, report);
  const pauseImage = tier === 'node' ? await ensurePauseImage(report) : undefined;
  return withLock(join(cacheDir(), 'clusters.lock'), async () => {
    await removeLeftovers(home);
    const { slot, ports, fsync } = (await readConfig(layout)) ?? (await newPlace(home, tier));
    const config = { name: layout.name, tier, slot, ports, fsync: options.fsync ?? fsync, forwards, tools, pauseImage };
    await mkdir(layout.logs, { recursive: true, mode: 0o700 });
    await ensureClusterPki(layout, config);
    await writeConfig(layout, config);
    return config;
  });
}

/** What a cluster keeps for life. */
async function newPlace(home: string, tier: Tier): Promise<Pick<ClusterConfig, 'slot' | 'ports' | 'fsync'>> {
  const taken = (await listConfigs(home)).map((config) => config.slot);
  const slot = chooseSlot(taken, await hostCidrs());
  return { slot, ports: tier === 'node' ? NODE_PORTS : await controlPlanePorts(), fsync: true };
}

async function controlPlanePorts(): Promise<ClusterConfig['ports']> {
  const [api = 0, etcdClient = 0, etcdPeer = 0, controllerManager = 0] = await freePorts(4);
  return { api, etcdClient, etcdPeer, controllerManager };
}

async function ensureClusterPki(layout: ClusterLayout, config: ClusterConfig): Promise<void> {
  const service = 'kubernetes.default.svc.cluster.local'.split('.');
  await ensurePki(layout.pki, {
    serverHosts: ['localhost', ...[1, 2, 3, 5].map((labels) => service.slice(0, labels).join('.'))],
    serverAddresses: ['127.0.0.1', apiServerAddress(config), nodeNetwork(config.slot).kubernetesServiceAddress],
    nodeName: nodeNameOf(config),
  });
}

function assertRoot(): void {
  if (process.getuid?.() !== 0)
    throw new Error('a node needs root: run this with sudo, or see `orderplane check --pre`');
}

async function ensureRunning(
  layout: ClusterLayout,
  config: ClusterConfig,
  step: Step,
  signal?: AbortSignal,
): Promise<void> {
  const running = await currentState(layout);
  if (running && (running.configHash !== configHash(config) || running.phase === 'failed')) {
    step.update('stopping the one with former settings');
    await stopDaemon(layout);
  }
  if (!(await currentState(layout))) await startDaemon(layout);
  for await (const state of followState(layout, signal)) {
    if (state.phase === 'ready') return;
    if (state.phase === 'failed') throw new Error(state.message);
    step.update(state.message);
  }
  signal?.throwIfAborted();
  throw new Error(`the cluster's daemon ended:\n${await logTail(layout.daemonLog)}`);
}

/** Starts the daemon as a session of its own, so that neither Ctrl-C nor a closed terminal reaches it, and waits until it answers. */
async function startDaemon(layout: ClusterLayout): Promise<void> {
  const log = openSync(layout.daemonLog, 'a', 0o600);
  const { NODE_OPTIONS: _, ...env } = process.env;
  const child = spawn(process.execPath, [join(import.meta.dirname, 'daemon.ts'), layout.name, layout.dir], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: '/',
    env,
  });
  closeSync(log);
  child.unref();
  await once(child, 'spawn');
  while (!(await currentState(layout))) {
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new Error(`the cluster's daemon did not start:\n${await logTail(layout.daemonLog)}`);
    }
    await delay(20);
  }
}

async function stopDaemon(layout: ClusterLayout): Promise<void> {
  const deadline = Date.now() + STOP_TIMEOUT_MS;
  for (let state = await currentState(layout), asked = false; state; state = await currentState(layout)) {
    if (!asked) signalProcess(state.daemonPid, 'SIGTERM');
    asked = true;
    if (Date.now() > deadline) for (const pid of [state.daemonPid, state.nodePid]) signalProcess(pid, 'SIGKILL');
    await delay(20);
  }
}

function signalProcess(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function addToKubeconfig(path: string, layout: ClusterLayout, config: ClusterConfig): Promise<void> {
  const added = await kubeconfigFor({
    server: apiServerUrl(config),
    pki: pkiAt(layout.pki),
    client: 'admin',
    name: contextOf(config),
  });
  await updateKubeconfigFile(path, (text) => mergeKubeconfig(text, added));
}

function clusterOf(layout: ClusterLayout, config: ClusterConfig, kubeconfigPath: string): Cluster {
  return {
    name: layout.name,
    kubeconfigPath,
    context: contextOf(config),
    hostAddress: config.tier === 'node' ? nodeNetwork(config.slot).hostAddress : undefined,
    auditLogPath: layout.auditLog,
    async importImages(images, report) {
      if (config.tier !== 'node') return;
      const state = await currentState(layout);
      if (!state?.nodePid) throw new Error(`cluster ${layout.name} does not run`);
      const socket = `/proc/${state.nodePid}/root${CONTAINERD_SOCKET}`;
      const snapshotter = await snapshotterFor(layout.dir);
      await inStep(report, 'images into the node', (step) =>
        importImages(images, { socket, snapshotter }, (reference, index, count) =>
          step.update(reference, index / count),
        ),
      );
    },
  };
}

async function statusOf(layout: ClusterLayout): Promise<ClusterStatus> {
  const config = await readConfig(layout);
  const state: ClusterState | undefined = await currentState(layout);
  const absent = { phase: 'absent', message: 'there is no such cluster' } as const;
  const stopped = { phase: 'stopped', message: 'not running: `orderplane up` starts it with its data' } as const;
  return {
    name: layout.name,
    provider: 'embedded',
    ...(state ? { phase: state.phase, message: state.message } : config ? stopped : absent),
    context: config && contextOf(config),
    components: state?.components ?? [],
    forwards: config?.forwards ?? [],
  };
}

async function remove(home: string, layout: ClusterLayout, userKubeconfig: string): Promise<void> {
  const config = await readConfig(layout);
  if (config?.tier === 'node') assertRoot();
  await stopDaemon(layout);
  if (config?.tier === 'node') {
    await unlinkNode(nodeNetwork(config.slot));
    await removeCgroups(nodeNameOf(config));
    await egressClosed(config.name);
    await restoreForwarding();
  }
  if (config && (await kubeconfigExists(userKubeconfig))) {
    await updateKubeconfigFile(userKubeconfig, (text) => removeFromKubeconfig(text, contextOf(config)));
  }
  // Moved away first: a removal that is cut short must not look like a cluster.
  await rename(layout.dir, join(clustersDir(home), `${REMOVED}${layout.name}-${process.pid}`)).catch(ignoreMissing);
  await removeLeftovers(home);
  for (const dir of [clustersDir(home), home]) await rmdir(dir).catch(() => {});
}

const REMOVED = '.removed-';

async function removeLeftovers(home: string): Promise<void> {
  const names = await readdir(clustersDir(home)).catch(() => []);
  const removed = names.filter((name) => name.startsWith(REMOVED));
  await Promise.all(removed.map((name) => rm(join(clustersDir(home), name), { recursive: true, force: true })));
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
