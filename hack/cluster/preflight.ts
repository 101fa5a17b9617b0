/** What a machine needs for the embedded node. Kernel features are tried, in namespaces that end with the attempt. */
import { existsSync } from 'node:fs';
import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, freemem, release } from 'node:os';
import { dirname } from 'node:path';
import { cacheDir } from '../toolchain/cache.ts';
import { findProgram, runCommand } from '../toolchain/command.ts';
import { missingTools } from '../toolchain/index.ts';
import { cgroupMounts, managingMounts, type CgroupMount } from './cgroups.ts';
import { orderplaneHome } from './layout.ts';
import { isFree, portHolder } from './ports.ts';
import { missingPackages, NODE_TOOLS } from './tools.ts';

export interface Check {
  name: string;
  ok: boolean;
  /** What was found. */
  found: string;
  /** What to do about it; only where it is not ok. */
  todo?: string;
}

const GIB = 1024 ** 3;
const MEMORY_GIB = 4;
const DISK_GIB = 10;
/** nftables tables with an owner, and all that kube-proxy's nftables mode needs. */
const KERNEL = [5, 13] as const;
const CONTROLLERS = ['cpu', 'cpuset', 'memory', 'pids'];

export interface PreflightOptions {
  /** Ports of localhost that must be free. */
  ports: readonly number[];
}

export async function preflight(options: PreflightOptions): Promise<Check[]> {
  const system = [operatingSystem(), kernelVersion(release()), root()];
  if (system.some((check) => !check.ok && check.name !== 'root')) return system;
  const features = root().ok ? await Promise.all(FEATURES.map(tryFeature)) : [];
  return [
    ...system,
    ...features,
    cgroupControllers(await availableControllers()),
    memory(await memoryAvailable()),
    ...(await Promise.all([...new Set([orderplaneHome(), cacheDir()])].map(disk))),
    ...(await Promise.all(options.ports.map(port))),
    await programs(),
  ];
}

function operatingSystem(): Check {
  const ok = process.platform === 'linux' && process.arch === 'x64';
  const found = `${process.platform} on ${process.arch}`;
  return {
    name: 'operating system',
    ok,
    found,
    todo: ok ? undefined : 'use Linux on x86-64, or a cluster of your own: orderplane up --context NAME',
  };
}

export function kernelVersion(text: string): Check {
  const [major = 0, minor = 0] = text.split('.').map(Number);
  const ok = major > KERNEL[0] || (major === KERNEL[0] && minor >= KERNEL[1]);
  return { name: 'kernel', ok, found: text, todo: ok ? undefined : `Linux ${KERNEL.join('.')} or newer is needed` };
}

function root(): Check {
  const ok = process.getuid?.() === 0;
  const todo = 'run with sudo (kernel features are checked then too)';
  return { name: 'root', ok, found: ok ? 'yes' : 'no', todo: ok ? undefined : todo };
}

interface Feature {
  name: string;
  /** A program without which the attempt says nothing; it is installed by `up`. */
  program?: string;
  attempt: string;
  todo: string;
}

const FEATURES: readonly Feature[] = [
  {
    name: 'namespaces',
    attempt: 'true',
    todo: 'allow the creation of network, mount and PID namespaces (in a container: run it privileged)',
  },
  {
    name: 'overlayfs',
    attempt:
      'mount -t tmpfs x /mnt && mkdir /mnt/l /mnt/u /mnt/w /mnt/m && mount -t overlay x -o lowerdir=/mnt/l,upperdir=/mnt/u,workdir=/mnt/w /mnt/m',
    todo: 'load it: modprobe overlay',
  },
  { name: 'veth', program: 'ip', attempt: 'ip link add name a type veth peer name b', todo: 'load it: modprobe veth' },
  { name: 'nf_tables', program: 'nft', attempt: 'nft add table ip x', todo: 'load it: modprobe nf_tables' },
];

async function tryFeature({ name, program, attempt, todo }: Feature): Promise<Check> {
  if (program && !(await findProgram(program)))
    return { name, ok: true, found: `not tried: ${program} is not installed yet` };
  const namespaces = ['--net', '--mount', '--pid', '--fork', '--mount-proc'];
  try {
    await runCommand('unshare', [...namespaces, 'sh', '-c', attempt]);
    return { name, ok: true, found: 'works' };
  } catch (error) {
    return { name, ok: false, found: (error as Error).message.split('\n').at(-1) ?? 'fails', todo };
  }
}

async function availableControllers(): Promise<string[]> {
  const mounts = managingMounts(cgroupMounts(await readFile('/proc/self/mounts', 'utf8')));
  const names = async ({ path, version }: CgroupMount) =>
    version === 2
      ? (await readFile(`${path}/cgroup.controllers`, 'utf8')).trim().split(' ')
      : path.slice(path.lastIndexOf('/') + 1).split(',');
  return (await Promise.all(mounts.map(names))).flat();
}

export function cgroupControllers(available: readonly string[]): Check {
  const missing = CONTROLLERS.filter((controller) => !available.includes(controller));
  const ok = missing.length === 0;
  return {
    name: 'cgroup controllers',
    ok,
    found: ok ? CONTROLLERS.join(', ') : `without ${missing.join(', ')}`,
    todo: ok ? undefined : `enable ${missing.join(', ')} (kernel command line: cgroup_enable=…)`,
  };
}

async function memoryAvailable(): Promise<number> {
  const [, kib] = (await readFile('/proc/meminfo', 'utf8')).match(/^MemAvailable:\s+(\d+) kB/m) ?? [];
  return kib ? Number(kib) * 1024 : freemem();
}

export function memory(bytes: number): Check {
  const ok = bytes >= MEMORY_GIB * GIB;
  const found = `${(bytes / GIB).toFixed(1)} GiB available, ${availableParallelism()} CPUs`;
  return { name: 'memory', ok, found, todo: ok ? undefined : `free memory: ${MEMORY_GIB} GiB are needed` };
}

async function disk(path: string): Promise<Check> {
  let existing = path;
  while (!existsSync(existing)) existing = dirname(existing);
  const { bavail, bsize } = await statfs(existing);
  const free = bavail * bsize;
  const ok = free >= DISK_GIB * GIB;
  const todo = `free ${DISK_GIB} GiB there, or choose other places with ORDERPLANE_HOME and ORDERPLANE_CACHE`;
  return { name: `disk for ${path}`, ok, found: `${(free / GIB).toFixed(0)} GiB free`, todo: ok ? undefined : todo };
}

async function port(number: number): Promise<Check> {
  const ok = await isFree(number);
  const found = ok ? 'free' : `in use by ${await portHolder(number)}`;
  return { name: `port ${number}`, ok, found, todo: ok ? undefined : 'end that program' };
}

async function programs(): Promise<Check> {
  const packages = await missingPackages('node');
  const tools = await missingTools(NODE_TOOLS);
  const missing = [...packages, ...tools];
  if (missing.length === 0) return { name: 'programs', ok: true, found: 'all there' };
  const ok = existsSync('/etc/debian_version') && process.getuid?.() === 0;
  const found = `${ok ? 'will be installed or built' : 'missing'}: ${missing.join(', ')}`;
  return { name: 'programs', ok, found, todo: ok ? undefined : 'run with sudo on Debian or Ubuntu, or install them' };
}
