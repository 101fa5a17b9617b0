import { existsSync } from 'node:fs';
import { inStep, type Progress } from '../progress.ts';
import { findProgram, runCommand } from './command.ts';
import { cacheDir } from './cache.ts';
import { withLock } from './lock.ts';
import { join } from 'node:path';

/** Installs those of the Debian packages that are missing. Fails with what to install by hand where it cannot. */
export async function ensureDebianPackages(names: readonly string[], report: Progress): Promise<void> {
  if ((await missingPackages(names)).length === 0) return;
  await withLock(join(cacheDir(), 'apt.lock'), async () => {
    const missing = await missingPackages(names);
    if (missing.length > 0) await install(missing, report);
  });
}

async function install(missing: readonly string[], report: Progress): Promise<void> {
  const list = missing.join(' ');
  if (!existsSync('/etc/debian_version') || !(await findProgram('apt-get'))) {
    throw new Error(
      `these programs are missing, and only Debian's can be installed automatically: install what your system calls ${list}`,
    );
  }
  if (process.getuid?.() !== 0)
    throw new Error(`Debian packages are missing: run \`sudo apt-get install ${list}\`, then the same command again`);

  await inStep(report, `Debian packages: ${list}`, async (step) => {
    // systemd reads the second one as being offline, so that packages with a service (etcd, containerd) do not start it on the host.
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', SYSTEMD_OFFLINE: '1' };
    // Another apt, of the system's own upgrades for example, is waited for.
    const quietly = ['-qq', '-o', 'DPkg::Lock::Timeout=300'];
    step.update('apt-get update');
    await runCommand('apt-get', [...quietly, 'update'], { env });
    step.update('apt-get install');
    // --no-remove: Debian's containerd must never replace the one that a Docker of another origin runs on.
    await runCommand(
      'apt-get',
      [...quietly, 'install', '--yes', '--no-install-recommends', '--no-remove', ...missing],
      {
        env,
      },
    );
  });
}

async function missingPackages(names: readonly string[]): Promise<string[]> {
  if (!(await findProgram('dpkg-query'))) return [...names];
  // dpkg-query fails when it knows nothing of one of the names, but still lists the others.
  const listing = await runCommand('sh', [
    '-c',
    'dpkg-query --show --showformat "\\${Package} \\${db:Status-Status}\\n" "$@" 2>/dev/null || true',
    'sh',
    ...names,
  ]);
  const installed = new Set(listing.split('\n').filter((line) => line.endsWith(' installed')).map((line) => line.split(' ')[0])); // prettier-ignore
  return names.filter((name) => !installed.has(name));
}
