import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runCommand } from '../toolchain/command.ts';

export interface SingleBinaryImage {
  reference: string;
  /** Path of a static binary; it becomes the image's only file and its entrypoint. */
  binary: string;
}

/** Writes an OCI archive of an image from scratch that holds one static binary. The same binary gives the same bytes. */
export async function writeBinaryImage(archive: string, { reference, binary }: SingleBinaryImage): Promise<void> {
  await mkdir(dirname(archive), { recursive: true });
  const work = await mkdtemp(`${archive}.`);
  try {
    await copyFile(binary, join(work, 'app'));
    await tar(join(work, 'layer.tar'), work, ['app']);
    const layer = await addBlob(work, await readFile(join(work, 'layer.tar')));
    const config = await addBlob(work, json({
      architecture: 'amd64',
      os: 'linux',
      config: { Entrypoint: ['/app'], User: '65532:65532' },
      rootfs: { type: 'layers', diff_ids: [layer.digest] },
    })); // prettier-ignore
    const manifest = await addBlob(work, json({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
      layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer }],
    })); // prettier-ignore
    const named = {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      ...manifest,
      annotations: { 'org.opencontainers.image.ref.name': reference },
    };
    await writeFile(join(work, 'index.json'), json({ schemaVersion: 2, manifests: [named] }));
    await writeFile(join(work, 'oci-layout'), json({ imageLayoutVersion: '1.0.0' }));
    await tar(join(work, 'archive.tar'), work, ['oci-layout', 'index.json', 'blobs']);
    await rename(join(work, 'archive.tar'), archive);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function addBlob(work: string, content: Buffer): Promise<{ digest: string; size: number }> {
  const hash = createHash('sha256').update(content).digest('hex');
  await mkdir(join(work, 'blobs', 'sha256'), { recursive: true });
  await writeFile(join(work, 'blobs', 'sha256', hash), content);
  return { digest: `sha256:${hash}`, size: content.length };
}

async function tar(archive: string, folder: string, names: readonly string[]): Promise<void> {
  const reproducible = [
    '--sort=name',
    '--mtime=@0',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--mode=u+rwX,go+rX,go-w',
  ];
  await runCommand('tar', ['--create', '--file', archive, '--directory', folder, ...reproducible, ...names]);
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value));
}
