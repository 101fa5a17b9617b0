import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { policyFile, type Buildah } from './buildah.ts';

/**
 * Writes an image of buildah's storage as an archive that both `ctr images import` and `docker load` take. In Docker's format, because buildah
 * compresses the layers of an OCI archive whatever it is told: many times slower for a file that is read once, on this machine.
 */
export async function exportImage(buildah: Buildah, reference: string, archive: string): Promise<void> {
  await mkdir(dirname(archive), { recursive: true });
  const partial = `${archive}.partial`;
  // The transport refuses to write into an archive that is there.
  await rm(partial, { force: true });
  await buildah(
    'push',
    '--quiet',
    '--signature-policy',
    policyFile(),
    reference,
    `docker-archive:${partial}:${reference}`,
  );
  await rename(partial, archive);
}
