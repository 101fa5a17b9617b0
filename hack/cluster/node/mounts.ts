import { lstat, mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ClusterLayout } from '../layout.ts';
import { runCommand } from '../../toolchain/command.ts';

const SCRATCH = '/run/orderplane';
/** Folders of the host that the node's programs insist on writing to. */
const SHADOWED = ['/var/lib', '/var/log'];

/**
 * What kubelet sets on start, because pods rely on it. These settings belong to the whole machine, so kubelet is shown files that
 * say so already and leaves the host's as they are.
 */
const KERNEL_SETTINGS: Record<string, string> = {
  'vm/overcommit_memory': '1',
  'vm/panic_on_oom': '0',
  'kernel/panic': '10',
  'kernel/panic_on_oops': '1',
  'kernel/keys/root_maxkeys': '1000000',
  'kernel/keys/root_maxbytes': '25000000',
};

/**
 * Gives the node its own view of the file system, inside its mount namespace: nothing that it writes outside the cluster's folder
 * reaches the host, and all of it goes with the namespace. What must survive is bound in from the cluster's folder; what a reboot
 * would clear (sockets, network namespaces, address leases) lies in memory.
 */
export async function isolateMounts(layout: ClusterLayout, nameservers: readonly string[]): Promise<void> {
  await mount('--make-rprivate', '/');
  const state = join(SCRATCH, 'state');
  await mount('-t', 'tmpfs', '-o', 'mode=0755', 'orderplane', '/run');
  await mkdir(state, { recursive: true });
  await mount('--rbind', layout.dir, state);
  for (const path of SHADOWED) await shadow(path);
  // The cluster's folder may itself lie below a shadowed one.
  if (SHADOWED.some((path) => layout.dir.startsWith(`${path}/`))) await mount('--rbind', state, layout.dir);

  await bindFolder(layout.kubelet, '/var/lib/kubelet');
  await bindFolder(join(layout.logs, 'pods'), '/var/log/pods');
  await Promise.all([mkdir('/run/lock', { recursive: true }), mkdir('/run/netns', { recursive: true })]);
  await replaceResolvConf(nameservers);
  for (const [name, value] of Object.entries(KERNEL_SETTINGS)) await pretendSetting(`/proc/sys/${name}`, value);
  // Volumes with mount propagation need it.
  await mount('--make-rshared', '/');
}

function mount(...args: string[]): Promise<string> {
  return runCommand('mount', args);
}

async function shadow(path: string): Promise<void> {
  const [upper, work] = ['upper', 'work'].map((kind) => join(SCRATCH, kind, path)) as [string, string];
  await mkdir(upper, { recursive: true });
  await mkdir(work, { recursive: true });
  await mount('-t', 'overlay', '-o', `lowerdir=${path},upperdir=${upper},workdir=${work}`, 'orderplane', path);
}

async function bindFolder(source: string, target: string): Promise<void> {
  await mkdir(source, { recursive: true });
  await mkdir(target, { recursive: true });
  await mount('--bind', source, target);
}

async function replaceResolvConf(nameservers: readonly string[]): Promise<void> {
  const path = '/etc/resolv.conf';
  const content = nameservers.map((address) => `nameserver ${address}\n`).join('');
  const link = await lstat(path).then((stat) => stat.isSymbolicLink(), () => false); // prettier-ignore
  if (!link) {
    await writeFile(join(SCRATCH, 'resolv.conf'), content);
    await mount('--bind', join(SCRATCH, 'resolv.conf'), path);
    return;
  }
  // A link into /run, which is empty now: put the file where it points.
  const target = (await runCommand('readlink', ['-m', path])).trim();
  if (!target.startsWith('/run/')) {
    await writeFile(join(SCRATCH, 'resolv.conf'), content);
    await mount('--bind', join(SCRATCH, 'resolv.conf'), await realpath(path));
    return;
  }
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, content);
}

async function pretendSetting(path: string, value: string): Promise<void> {
  const current = await readFile(path, 'utf8').catch(() => undefined);
  if (current === undefined || current.trim() === value) return;
  const file = join(SCRATCH, 'settings', path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${value}\n`);
  await mount('--bind', file, path);
}
