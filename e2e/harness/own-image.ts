/** The image of the service that the tests bring themselves, as a user would: built on this machine, known to the node by its reference. */
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { exportImage } from '@orderplane/hack/images/archive.ts';
import { withBuildah } from '@orderplane/hack/images/buildah.ts';
import type { BuiltImage } from '@orderplane/hack/images/index.ts';
import { inStep, type Progress } from '@orderplane/hack/progress.ts';
import { root } from '@orderplane/hack/root.ts';
import { cacheDir, contentKey } from '@orderplane/hack/toolchain/cache.ts';
import { build } from 'esbuild';

const FOLDER = join(root, 'e2e', 'fixtures', 'own-service');

const PREFIX = 'e2e-own-service-';

/** Unchanged inputs are not built again. `base` is an image with Node in it. */
export async function ownServiceImage(base: BuiltImage, report: Progress): Promise<BuiltImage> {
  const program = await bundle();
  const hash = contentKey([
    ['base', base.hash],
    ['program', program],
  ]);
  const archive = join(cacheDir(), 'images', `${PREFIX}${hash}.tar`);
  const image = { hash, archive, reference: `localhost/orderplane-e2e/own-service:${hash}` };
  if (!existsSync(archive))
    await inStep(report, 'Image of a service of the user’s own', () => make(image, base, program, report));
  return image;
}

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(FOLDER, 'main.ts')],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    // Dependencies in CommonJS ask for `require`.
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    external: [
      'pg-native',
      'mongodb-client-encryption',
      'kerberos',
      'snappy',
      '@mongodb-js/zstd',
      'socks',
      'aws4',
      'gcp-metadata',
      '@aws-sdk/*',
    ],
    logLevel: 'error',
  });
  return outputFiles[0]?.text ?? '';
}

async function make(image: BuiltImage, base: BuiltImage, program: string, report: Progress): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'orderplane-own-service-'));
  try {
    await copyFile(join(FOLDER, 'Dockerfile'), join(context, 'Dockerfile'));
    await writeFile(join(context, 'main.mjs'), program);
    const options = [
      '--isolation',
      'chroot',
      '--network',
      'host',
      '--quiet',
      '--from',
      `docker-archive:${base.archive}`,
    ];
    await withBuildah(report, async (buildah) => {
      await buildah('build', ...options, '--tag', image.reference, '--file', join(context, 'Dockerfile'), context);
      await exportImage(buildah, image.reference, image.archive);
      await buildah('rmi', image.reference);
    });
    await removeFormer(image.archive);
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** One is enough: it is made in seconds. */
async function removeFormer(archive: string): Promise<void> {
  const folder = dirname(archive);
  const former = (await readdir(folder)).filter((name) => name.startsWith(PREFIX) && name !== basename(archive));
  await Promise.all(former.map((name) => rm(join(folder, name), { force: true })));
}
