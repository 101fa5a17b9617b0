import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { inStep, type Progress } from '../progress.ts';
import { versions } from '../versions.ts';
import { cacheDir, contentKey } from './cache.ts';
import { runCommand } from './command.ts';
import { debianMirror } from './debian-mirror.ts';
import { ensureTools } from './index.ts';
import { withLock } from './lock.ts';

const PROGRAMS = ['pg_dump', 'pg_restore', 'psql'] as const;

function builtPath(): string {
  const { debian, images } = versions();
  const key = contentKey([['postgres-client', [debian, images.postgres.tag, ...PROGRAMS].join('\n')]]);
  return join(cacheDir(), 'tools', `postgres-client-${images.postgres.tag}-${key}`);
}

/**
 * Folder of Postgres's client programs with all that they load, as in the operator's image: `bin/`, `lib/` and the loader `lib/ld.so`. Debian's
 * packages for the major version that a release deploys are unpacked, not installed: the host's own may be older than the server.
 */
export async function ensurePostgresClient(report: Progress): Promise<string> {
  const path = builtPath();
  if (existsSync(path)) return path;
  const { mmdebstrap } = await ensureTools(['mmdebstrap'], report);
  const { debian, images } = versions();
  await inStep(
    report,
    `Postgres ${images.postgres.tag} client`,
    () =>
      withLock(`${path}.lock`, async () => {
        if (existsSync(path)) return;
        const tree = await mkdtemp(join(tmpdir(), 'orderplane-postgres-client-'));
        try {
          const archive = join(tree, 'tree.tar');
          await runCommand(mmdebstrap, [
            '--quiet',
            '--variant=extract',
            `--include=postgresql-client-${images.postgres.tag}`,
            debian,
            archive,
            `deb ${await debianMirror()} ${debian} main`,
          ]);
          await runCommand('tar', ['--extract', '--file', archive, '--directory', tree, './usr/lib']);
          await collect(tree, `${path}.partial`);
          await rename(`${path}.partial`, path);
        } finally {
          await rm(tree, { recursive: true, force: true });
        }
      }),
    { expectedSeconds: 35 },
  );
  return path;
}

/** Programs, and the libraries that the loader finds for them. */
async function collect(tree: string, target: string): Promise<void> {
  await rm(target, { recursive: true, force: true });
  for (const folder of ['bin', 'lib']) await mkdir(join(target, folder), { recursive: true });
  const libraries = join(tree, 'usr', 'lib', 'x86_64-linux-gnu');
  const loader = join(libraries, (await readdir(libraries)).find((name) => name.startsWith('ld-linux-')) ?? '');
  await copyFile(loader, join(target, 'lib', 'ld.so'));
  for (const program of PROGRAMS) {
    const file = join(tree, 'usr', 'lib', 'postgresql', versions().images.postgres.tag, 'bin', program);
    await copyFile(file, join(target, 'bin', program));
    const listing = await runCommand(loader, ['--library-path', libraries, '--list', file]);
    for (const [, library = ''] of listing.matchAll(/=> (\/\S+)/g)) {
      if (library.startsWith(tree)) await copyFile(library, join(target, 'lib', basename(library)));
    }
  }
}
