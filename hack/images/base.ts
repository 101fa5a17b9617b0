import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inStep, type Progress } from '../progress.ts';
import { contentKey } from '../toolchain/cache.ts';
import { runCommand } from '../toolchain/command.ts';
import { debianMirror } from '../toolchain/debian-mirror.ts';
import { ensureTools } from '../toolchain/index.ts';
import { versions } from '../versions.ts';
import type { Buildah } from './buildah.ts';

/** What a FROM names, in our own storage only: Debian's minimal system, made from its packages as the image of that name is. */
const BASE_NAME = () => `docker.io/library/debian:${versions().debian}-slim`;

const LEFT_OUT = ['man', 'doc', 'info', 'locale', 'lintian'].map(
  (folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`,
);
const OPTIONS = ['--variant=apt', ...LEFT_OUT];

export function baseKey(): string {
  return contentKey([['base', [versions().debian, ...OPTIONS].join('\n')]]);
}

/** Makes the base image once. Its packages come from wherever the host's own apt gets them. */
export async function ensureBase(buildah: Buildah, report: Progress): Promise<void> {
  const keyed = `localhost/orderplane-build/base:${baseKey()}`;
  if (await exists(buildah, keyed)) return void (await buildah('tag', keyed, BASE_NAME()));
  const { mmdebstrap } = await ensureTools(['mmdebstrap'], report);
  await inStep(report, `Base image (Debian ${versions().debian})`, async (step) => {
    const mirror = await debianMirror();
    const folder = await mkdtemp(join(tmpdir(), 'orderplane-base-'));
    try {
      const tree = join(folder, 'tree.tar');
      await runCommand(mmdebstrap, ['--quiet', ...OPTIONS, versions().debian, tree, `deb ${mirror} ${versions().debian} main`]);
      step.update('importing');
      const container = (await buildah('from', 'scratch')).trim();
      await buildah('add', container, tree, '/');
      await buildah('config', '--env', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', '--cmd', 'bash', container);
      await buildah('commit', '--rm', '--timestamp', '0', container, keyed);
      await buildah('tag', keyed, BASE_NAME());
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, { expectedSeconds: 40 }); // prettier-ignore
}

async function exists(buildah: Buildah, image: string): Promise<boolean> {
  return buildah('inspect', '--type', 'image', '--format', '{{.FromImageID}}', image).then(
    () => true,
    () => false,
  );
}
