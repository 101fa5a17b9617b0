import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Progress } from '../progress.ts';
import { cacheDir, contentKey } from '../toolchain/cache.ts';
import { runCommand } from '../toolchain/command.ts';
import { ensureTools } from '../toolchain/index.ts';
import { withLock } from '../toolchain/lock.ts';

/** Runs buildah with a storage of our own, so that nothing of the user's images is seen or changed. */
export type Buildah = (...args: string[]) => Promise<string>;

/** Nothing is ever pulled: what is not in the storage is an error. */
const POLICY = { default: [{ type: 'insecureAcceptAnything' }] };

/** Runs `work` with buildah, as the only one on this machine who does, after removing what a killed build left behind. */
export async function withBuildah<T>(report: Progress, work: (buildah: Buildah) => Promise<T>): Promise<T> {
  return withLock(join(cacheDir(), 'images', 'build.lock'), async () => {
    const buildah = await openBuildah(report);
    await buildah('rm', '--all');
    return work(buildah);
  });
}

async function openBuildah(report: Progress): Promise<Buildah> {
  const { buildah: binary } = await ensureTools(['buildah'], report);
  const home = join(cacheDir(), 'images');
  await mkdir(home, { recursive: true });
  const policy = join(home, 'policy.json');
  const registries = join(home, 'registries.conf');
  await writeFile(policy, JSON.stringify(POLICY));
  // The name in a FROM without a registry means Docker's, as it does for Docker.
  await writeFile(registries, 'unqualified-search-registries = ["docker.io"]\nshort-name-mode = "permissive"\n');
  const env = {
    ...process.env,
    BUILDAH_ISOLATION: 'chroot',
    CONTAINERS_REGISTRIES_CONF: registries,
    REGISTRY_AUTH_FILE: '',
  };

  const global = (driver: string) => [
    '--storage-driver',
    driver,
    '--root',
    join(home, `storage-${driver}`),
    '--runroot',
    runRoot(home, driver),
  ];
  const overlayWorks = await runCommand(binary, [...global('overlay'), 'images', '--quiet'], { env }).then(
    () => true,
    () => false,
  );
  // Where the home folder is itself an overlay (inside of a container), files are copied instead.
  const options = global(overlayWorks ? 'overlay' : 'vfs');
  return (...args) => runCommand(binary, [...options, ...args], { env });
}

export const policyFile = () => join(cacheDir(), 'images', 'policy.json');

/** Mounts are recorded here, which must not outlive a reboot. */
function runRoot(home: string, driver: string): string {
  const volatile = process.getuid?.() === 0 ? '/run' : process.env['XDG_RUNTIME_DIR'];
  return volatile && existsSync(volatile)
    ? join(volatile, 'orderplane', contentKey([['home', home]]), driver)
    : join(home, `run-${driver}`);
}
