/**
 * The daemon of a cluster answers every connection to its socket with its state, one JSON line now and one at each change. The
 * socket is also the lock: its name lives in the kernel and goes with the process, so two daemons of one cluster cannot be.
 */
import { createHash } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { ClusterLayout } from './layout.ts';

export interface ComponentState {
  name: string;
  running: boolean;
  restarts: number;
}

export interface ClusterState {
  phase: 'starting' | 'ready' | 'failed';
  /** What is being done, or what failed. */
  message: string;
  daemonPid: number;
  /** The node's PID 1 as the host sees it: the way into its namespaces. */
  nodePid?: number;
  configHash: string;
  components: ComponentState[];
}

function socketName(layout: ClusterLayout): string {
  return `\0orderplane/${createHash('sha256').update(layout.dir).digest('hex').slice(0, 32)}`;
}

export class DaemonAlreadyRuns extends Error {}

export interface StatePublisher {
  state: ClusterState;
  publish(change: Partial<ClusterState>): void;
}

/** Takes the cluster's lock and serves its state from then on. */
export async function publishState(layout: ClusterLayout, initial: ClusterState): Promise<StatePublisher> {
  const readers = new Set<Socket>();
  const publisher: StatePublisher = {
    state: initial,
    publish(change) {
      publisher.state = { ...publisher.state, ...change };
      for (const reader of readers) reader.write(line());
    },
  };
  const line = () => `${JSON.stringify(publisher.state)}\n`;
  const server = createServer((socket) => {
    readers.add(socket);
    socket.on('error', () => {}).on('close', () => readers.delete(socket));
    socket.write(line());
  });
  await listen(server, socketName(layout));
  return publisher;
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(error.code === 'EADDRINUSE' ? new DaemonAlreadyRuns('another daemon of this cluster runs') : error);
    });
    server.listen(path, resolve);
  });
}

/** The states of a running daemon, beginning with the present one; ends when the daemon does. Empty when none runs. */
export async function* followState(layout: ClusterLayout, signal?: AbortSignal): AsyncGenerator<ClusterState, void> {
  const socket = connect(socketName(layout));
  const connected = await new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false))); // prettier-ignore
  if (!connected) return;
  const abort = () => socket.destroy();
  signal?.addEventListener('abort', abort, { once: true });
  socket.on('error', () => {});
  try {
    for await (const line of createInterface({ input: socket })) yield JSON.parse(line) as ClusterState;
  } catch (error) {
    // A daemon that is killed may reset the connection rather than close it.
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
    socket.destroy();
  }
}

/** undefined when the cluster's daemon does not run. */
export async function currentState(layout: ClusterLayout): Promise<ClusterState | undefined> {
  for await (const state of followState(layout)) return state;
  return undefined;
}
