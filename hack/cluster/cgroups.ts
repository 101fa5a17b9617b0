import { mkdir, readFile, readdir, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const V2_CONTROLLERS = ['cpuset', 'cpu', 'io', 'memory', 'pids'];

export interface CgroupMount {
  path: string;
  version: 1 | 2;
}

/** The hierarchies of /proc/self/mounts. */
export function cgroupMounts(mountsFile: string): CgroupMount[] {
  return mountsFile.split('\n').flatMap((line): CgroupMount[] => {
    const [, path = '', type] = line.split(' ');
    if (type === 'cgroup') return [{ path, version: 1 }];
    return type === 'cgroup2' ? [{ path, version: 2 }] : [];
  });
}

/** Those that pods are managed by: all of version 1, or the one of version 2. Where both exist, the second manages nothing. */
export function managingMounts(mounts: readonly CgroupMount[]): readonly CgroupMount[] {
  const v1 = mounts.filter((mount) => mount.version === 1);
  return v1.length > 0 ? v1 : mounts;
}

async function currentMounts(): Promise<CgroupMount[]> {
  return cgroupMounts(await readFile('/proc/self/mounts', 'utf8'));
}

/** Makes the cgroup below which kubelet puts all pods. */
export async function makeCgroups(name: string): Promise<void> {
  for (const { path, version } of managingMounts(await currentMounts())) {
    const dir = join(path, name);
    if (version === 2) await delegateControllers(path);
    await mkdir(dir, { recursive: true });
    if (version === 2) await delegateControllers(dir);
    // A new cpuset is empty, and nothing can run in an empty one.
    else for (const file of ['cpuset.cpus', 'cpuset.mems']) await inherit(join(path, file), join(dir, file));
  }
}

async function delegateControllers(dir: string): Promise<void> {
  const available = (await readFile(join(dir, 'cgroup.controllers'), 'utf8')).trim().split(' ');
  const wanted = V2_CONTROLLERS.filter((controller) => available.includes(controller));
  await writeFile(join(dir, 'cgroup.subtree_control'), wanted.map((controller) => `+${controller}`).join(' '));
}

async function inherit(from: string, to: string): Promise<void> {
  const value = await readFile(from, 'utf8').catch(() => undefined);
  if (value !== undefined) await writeFile(to, value);
}

/** Removes the cgroup with all below it. Its processes must have ended; the kernel may take a moment to notice. */
export async function removeCgroups(name: string): Promise<void> {
  const mounts = await currentMounts();
  await Promise.all(mounts.map(({ path }) => removeTree(join(path, name))));
}

async function removeTree(dir: string): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  await Promise.all(entries.filter((entry) => entry.isDirectory()).map((entry) => removeTree(join(dir, entry.name))));
  for (let attempt = 1; ; attempt++) {
    try {
      await rmdir(dir);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || attempt === 50) throw error;
      await delay(20);
    }
  }
}
