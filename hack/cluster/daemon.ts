/**
 * The process that a running cluster hangs on: `node daemon.ts <name> <cluster folder>`. It stays in the host's namespaces, makes
 * the node's, plugs them into the host's network and listens on localhost for the forwarded Services. When it ends, however it ends,
 * the kernel ends the node: processes, mounts and interfaces.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '@orderplane/operator/runtime/client.ts';
import { makeCgroups, removeCgroups } from './cgroups.ts';
import { configHash, readConfig, type ClusterConfig } from './config.ts';
import { startForward } from './forwarder.ts';
import { linkNode, openEgress, unlinkNode, upstreamNameservers } from './host-network.ts';
import { snapshotterFor } from './images.ts';
import { layoutAt, type ClusterLayout } from './layout.ts';
import { nodeNetwork } from './network.ts';
import { nodeNameOf } from './node/components.ts';
import type { StartMessage, SupervisorMessage } from './node/supervisor.ts';
import { assertPortsFree } from './ports.ts';
import { DaemonAlreadyRuns, publishState, type StatePublisher } from './status.ts';

const NAMESPACES = ['unshare', '--net', '--mount', '--pid', '--fork', '--kill-child=KILL', '--mount-proc', '--'];

async function main([name, dir]: string[]): Promise<void> {
  if (!name || !dir) throw new Error('usage: daemon.ts <name> <cluster folder>');
  const layout = layoutAt(name, dir);
  const config = await readConfig(layout);
  if (!config) throw new Error(`${layout.config} is missing`);
  const publisher = await publishState(layout, {
    phase: 'starting',
    message: 'preparing the host',
    daemonPid: process.pid,
    configHash: configHash(config),
    components: [],
  });
  const stop = new Promise<'stopped'>((resolve) => process.once('SIGTERM', () => resolve('stopped')));
  let node: Node | undefined;
  try {
    await prepareHost(layout, config);
    node = await startNode(config);
    publisher.publish({ nodePid: node.pid });
    await plugIn(layout, config, node);
    await Promise.race([stop, runningNode(node, publisher)]);
  } catch (error) {
    publisher.publish({ phase: 'failed', message: error instanceof Error ? error.message : String(error) });
    throw error;
  } finally {
    await endNode(config, node);
  }
}

interface Node {
  supervisor: ChildProcess;
  /** The node's PID 1 as the host sees it. */
  pid: number;
  ended: Promise<unknown>;
}

async function prepareHost(layout: ClusterLayout, config: ClusterConfig): Promise<void> {
  await mkdir(layout.logs, { recursive: true });
  const client = createClient({ kubeconfig: { path: layout.kubeconfig } });
  await assertPortsFree(config.forwards.map((forward) => forward.listen));
  for (const forward of config.forwards) await startForward(forward, client);
  if (config.tier === 'control-plane') return;
  await removeCgroups(nodeNameOf(config));
  await makeCgroups(nodeNameOf(config));
}

async function startNode(config: ClusterConfig): Promise<Node> {
  const supervisor = startSupervisor(config);
  const ended = once(supervisor, 'exit');
  // Its first message says that the namespaces are there.
  await Promise.race([
    once(supervisor, 'message'),
    ended.then(() => Promise.reject(new Error('the node could not be started'))),
  ]);
  const outer = supervisor.pid as number;
  return { supervisor, ended, pid: config.tier === 'node' ? await onlyChildOf(outer) : outer };
}

async function plugIn(layout: ClusterLayout, config: ClusterConfig, node: Node): Promise<void> {
  if (config.tier === 'node') {
    await linkNode(nodeNetwork(config.slot), node.pid);
    await openEgress(config.name, nodeNetwork(config.slot));
  }
  const start: StartMessage = {
    layout,
    config,
    nameservers: await upstreamNameservers(),
    snapshotter: await snapshotterFor(layout.dir),
  };
  node.supervisor.send(start);
}

/** Passes the node's state on; rejects when the node fails or ends. */
function runningNode({ supervisor, ended }: Node, publisher: StatePublisher): Promise<never> {
  return new Promise((_, reject) => {
    supervisor.on('message', (message: SupervisorMessage) => {
      if (message.kind === 'progress') publisher.publish({ message: message.message });
      else if (message.kind === 'components') publisher.publish({ components: message.components });
      else if (message.kind === 'ready') publisher.publish({ phase: 'ready', message: 'ready' });
      else if (message.kind === 'failed') reject(new Error(message.message));
    });
    void ended.then(() => reject(new Error('the node ended')));
  });
}

/** PID 1 is killed, not its parent: its exit tells that none of the node's processes is left. */
async function endNode(config: ClusterConfig, node: Node | undefined): Promise<void> {
  if (node && node.supervisor.exitCode === null && node.supervisor.signalCode === null) {
    process.kill(node.pid, 'SIGKILL');
    await node.ended;
  }
  if (config.tier === 'control-plane') return;
  await unlinkNode(nodeNetwork(config.slot));
  await removeCgroups(nodeNameOf(config));
}

function startSupervisor(config: ClusterConfig): ChildProcess {
  const supervisor = [process.execPath, join(import.meta.dirname, 'node', 'supervisor.ts')];
  const command = config.tier === 'node' ? [...NAMESPACES, 'tini', '--', ...supervisor] : supervisor;
  return spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...command], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** unshare's child: PID 1 of the node. */
async function onlyChildOf(pid: number): Promise<number> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ');
  return Number(children[0]);
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (error: unknown) => {
    console.error(error);
    process.exit(error instanceof DaemonAlreadyRuns ? 0 : 1);
  },
);
