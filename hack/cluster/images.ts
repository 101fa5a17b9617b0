import { runCommand } from '../toolchain/command.ts';

export interface ImageArchive {
  reference: string;
  /** Path of an OCI archive (uncompressed layers import fastest). */
  archive: string;
}

export interface ContainerdAddress {
  socket: string;
  snapshotter: string;
}

/** overlayfs cannot lie on overlayfs, which is what the root of a container is. */
export async function snapshotterFor(dir: string): Promise<string> {
  const type = await runCommand('stat', ['--file-system', '--format=%T', dir]);
  return type.trim() === 'overlayfs' ? 'native' : 'overlayfs';
}

/** Imports what containerd does not have under that reference yet, and returns the references that it imported. */
export async function importImages(
  images: readonly ImageArchive[],
  containerd: ContainerdAddress,
  onImport: (reference: string, index: number, count: number) => void = () => {},
): Promise<string[]> {
  const ctr = (...args: string[]) =>
    runCommand('ctr', ['--address', containerd.socket, '--namespace', 'k8s.io', 'images', ...args]);
  const present = new Set((await ctr('list', '--quiet')).split('\n'));
  const missing = images.filter((image) => !present.has(image.reference));
  for (const [index, { reference, archive }] of missing.entries()) {
    onImport(reference, index, missing.length);
    await ctr('import', '--snapshotter', containerd.snapshotter, archive);
  }
  if (missing.length > 0) {
    const now = new Set((await ctr('list', '--quiet')).split('\n'));
    const lost = missing.find((image) => !now.has(image.reference));
    if (lost) throw new Error(`${lost.archive} does not hold an image named ${lost.reference}`);
  }
  return missing.map((image) => image.reference);
}
