/** The image of the service that the tests bring themselves, as a user would: built on this machine, known to the node by its reference. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuiltImage } from '@orderplane/hack/images/index.ts';
import type { Progress } from '@orderplane/hack/progress.ts';
import { root } from '@orderplane/hack/root.ts';
import { build } from 'esbuild';
import { derivedImage } from './derived-image.ts';

const FOLDER = join(root, 'e2e', 'fixtures', 'own-service');

/** Unchanged inputs are not built again. `base` is an image with Node in it. */
export async function ownServiceImage(base: BuiltImage, report: Progress): Promise<BuiltImage> {
  const files = { Dockerfile: await readFile(join(FOLDER, 'Dockerfile'), 'utf8'), 'main.mjs': await bundle() };
  return derivedImage({ name: 'own-service', title: 'Image of a service of the user’s own', files }, base, report);
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
