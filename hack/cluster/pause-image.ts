import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Progress } from '../progress.ts';
import { cacheDir } from '../toolchain/cache.ts';
import { ensureTools } from '../toolchain/index.ts';
import type { ImageArchive } from './images.ts';
import { writeBinaryImage } from './oci.ts';

/** The image that every pod's sandbox runs, made once per build of its program. */
export async function ensurePauseImage(report: Progress): Promise<ImageArchive> {
  const { pause } = await ensureTools(['pause'], report);
  // The folder's name holds a hash of the program's source.
  const build = basename(dirname(pause));
  const image = {
    reference: `localhost/orderplane/pause:${build}`,
    archive: join(cacheDir(), 'images', `${build}.tar`),
  };
  if (!existsSync(image.archive)) await writeBinaryImage(image.archive, { reference: image.reference, binary: pause });
  return image;
}
