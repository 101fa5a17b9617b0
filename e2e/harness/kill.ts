/** Kills of a pod's process as the kernel does it: no SIGTERM, no word to Kubernetes before. Needs the node on this machine, and root. */
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export interface ContainerRef {
  /** As in the pod's status: `containerd://<id>`. */
  readonly containerId: string;
}

/** Sends SIGKILL to the container's first process, and with it, by the kernel's rule, to all the others. */
export async function killContainer(container: ContainerRef): Promise<void> {
  const pid = await initPid(container);
  if (pid === undefined)
    throw new Error(`no process of ${container.containerId} on this machine: kills need the embedded node, and root`);
  process.kill(pid, 'SIGKILL');
}

/**
 * Holds a pod down: its process, and every one that the kubelet starts in its place, is stopped as soon as it is seen. At the
 * end the last one is killed, so that the pod comes back from its disk and not from its memory.
 */
export async function holdDown(
  currentContainer: () => Promise<ContainerRef | undefined>,
  ms: number,
  signal?: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + ms;
  let held: number | undefined;
  while (Date.now() < deadline && !signal?.aborted) {
    const container = await currentContainer();
    const pid = container && (await initPid(container));
    if (pid !== undefined && pid !== held) {
      signalIfThere(pid, 'SIGSTOP');
      held = pid;
    }
    await delay(100);
  }
  if (held !== undefined) signalIfThere(held, 'SIGKILL');
}

/**
 * The container's first process as this machine numbers it: in the container's cgroup, and process 1 of its own pid namespace.
 * Undefined when the container has ended.
 */
async function initPid(container: ContainerRef): Promise<number | undefined> {
  const id = container.containerId.replace(/^[a-z]+:\/\//, '');
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const cgroup = await readFile(`/proc/${pid}/cgroup`, 'utf8').catch(() => '');
    if (!cgroup.includes(id)) continue;
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    const numbers = /^NSpid:\s+(.+)$/m.exec(status)?.[1]?.split(/\s+/);
    if (numbers?.at(-1) === '1') return Number(pid);
  }
  return undefined;
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
