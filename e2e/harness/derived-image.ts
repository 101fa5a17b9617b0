/** Images that tests make of another one, on this machine: built once for what they are made of. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { exportImage } from '@orderplane/hack/images/archive.ts';
import { withBuildah } from '@orderplane/hack/images/buildah.ts';
import type { BuiltImage } from '@orderplane/hack/images/index.ts';
import { inStep, type Progress } from '@orderplane/hack/progress.ts';
import { cacheDir, contentKey } from '@orderplane/hack/toolchain/cache.ts';

export interface Derivation {
  /** What it is called, and told apart from others by. */
  name: string;
  /** For the person who waits for it. */
  title: string;
  /** Everything that it is built from, by path: the Dockerfile, and what that copies. */
  files: Readonly<Record<string, string>>;
}

/** @param base what stands in the place of `FROM scratch` */
export async function derivedImage(derivation: Derivation, base: BuiltImage, report: Progress): Promise<BuiltImage> {
  const { name, title, files } = derivation;
  const hash = contentKey([['base', base.hash], ...Object.entries(files)]);
  const archive = join(cacheDir(), 'images', `e2e-${name}-${hash}.tar`);
  const image = { hash, archive, reference: `localhost/orderplane-e2e/${name}:${hash}` };
  if (!existsSync(archive)) await inStep(report, title, () => build(image, derivation, base, report));
  return image;
}

async function build(image: BuiltImage, { name, files }: Derivation, base: BuiltImage, report: Progress) {
  const context = await mkdtemp(join(tmpdir(), 'orderplane-derived-image-'));
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(context, path)), { recursive: true });
      await writeFile(join(context, path), text);
    }
    const options = ['--isolation', 'chroot', '--network', 'host', '--quiet', '--from', `docker-archive:${base.archive}`];
    await withBuildah(report, async (buildah) => {
      await buildah('build', ...options, '--tag', image.reference, '--file', join(context, 'Dockerfile'), context);
      await exportImage(buildah, image.reference, image.archive);
      await buildah('rmi', image.reference);
    });
    await removeFormer(name, image.archive);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
} // prettier-ignore

/** One is enough: it is made in seconds. */
async function removeFormer(name: string, newest: string): Promise<void> {
  const folder = dirname(newest);
  const pattern = new RegExp(`^e2e-${name.replaceAll('.', String.raw`\.`)}-[0-9a-f]+\\.tar$`);
  const former = (await readdir(folder)).filter((file) => pattern.test(file) && file !== basename(newest));
  await Promise.all(former.map((file) => rm(join(folder, file), { force: true })));
}
