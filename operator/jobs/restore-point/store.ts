/** The volume: a dump and its manifest for each restore point, in a folder for each database. */
import { open, mkdir, readdir, readFile, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { durationMs } from '../contract.ts';
import { messageOf } from '../failures.ts';

const manifest = z.object({
  format: z.literal(1),
  id: z.string(),
  database: z.string(),
  takenAt: z.string(),
  /** The newest version in the ledger; empty before the first. */
  version: z.string(),
  bytes: z.number(),
  /** Whether it was restored into a scratch database and found to be the same. */
  verified: z.boolean(),
  server: z.string(),
  run: z.string(),
  /** Roles that own something, or were granted something. */
  roles: z.array(z.string()),
  tables: z.array(z.object({ schema: z.string(), name: z.string(), rows: z.number(), checksum: z.string() })),
});
export type Manifest = z.infer<typeof manifest>;

export interface Retention {
  keep: number;
  maxAge?: string | undefined;
}

export function folderOf(dir: string, database: string): string {
  return join(dir, database);
}

export const dumpFile = (folder: string, id: string): string => join(folder, `${id}.dump`);
export const partialFile = (folder: string, id: string): string => `${dumpFile(folder, id)}.partial`;
const manifestFile = (folder: string, id: string): string => join(folder, `${id}.json`);

/** Makes the folder, and removes what a run that was killed left in it: a restore point is there with its manifest, or not at all. */
export async function openFolder(folder: string): Promise<Manifest[]> {
  await mkdir(folder, { recursive: true });
  const manifests = await readManifests(folder);
  const whole = new Set(manifests.flatMap(({ id }) => [`${id}.dump`, `${id}.json`]));
  for (const file of await readdir(folder)) {
    if (/\.(dump|json|partial)$/.test(file) && !whole.has(file)) await rm(join(folder, file), { force: true });
  }
  return manifests;
}

/** Newest first. */
export async function readManifests(folder: string): Promise<Manifest[]> {
  const files: string[] = await readdir(folder).catch(() => []);
  const ids = files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length));
  const found = await Promise.all(
    ids.filter((id) => files.includes(`${id}.dump`)).map((id) => readManifest(folder, id)),
  );
  return found.toSorted((a, b) => b.takenAt.localeCompare(a.takenAt));
}

async function readManifest(folder: string, id: string): Promise<Manifest> {
  const text = await readFile(manifestFile(folder, id), 'utf8');
  try {
    return manifest.parse(JSON.parse(text));
  } catch (error) {
    throw new Error(`${manifestFile(folder, id)} cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

/** Gives a whole dump its name, and its manifest after it: what has a manifest survives a crash of the machine. */
export async function keep(folder: string, point: Manifest): Promise<void> {
  await rename(partialFile(folder, point.id), dumpFile(folder, point.id));
  const target = manifestFile(folder, point.id);
  const file = await open(`${target}.partial`, 'w');
  try {
    await file.writeFile(JSON.stringify(point));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${target}.partial`, target);
  await syncPath(folder);
}

/** Brings a file, or the names in a folder, to the disk. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** The manifest goes first: without it the dump is nothing but a leftover. */
export async function remove(folder: string, id: string): Promise<void> {
  for (const file of [manifestFile(folder, id), dumpFile(folder, id), partialFile(folder, id)])
    await rm(file, { force: true });
}

/**
 * Which restore points go. The newest stays, and so does `named`. Of those above the count, the first to go are those that a newer one of the same
 * version makes up for: a migration that fails again and again does not cost the points of the versions before it.
 */
export function superfluous(
  points: readonly Pick<Manifest, 'id' | 'takenAt' | 'version'>[],
  { keep: count, maxAge }: Retention,
  now: Date,
  named?: string,
): string[] {
  const newestFirst = points.toSorted((a, b) => b.takenAt.localeCompare(a.takenAt));
  const oldest = maxAge === undefined ? -Infinity : now.getTime() - durationMs(maxAge);
  const [newest, ...others] = newestFirst;
  const removable = others.filter(({ id }) => id !== named).toReversed();
  const aged = removable.filter(({ takenAt }) => Date.parse(takenAt) < oldest);
  const repeats = ({ id, version }: { id: string; version: string }) =>
    newestFirst.find((point) => point.version === version)?.id !== id;
  const left = removable.filter((point) => !aged.includes(point));
  const inOrder = [...left.filter(repeats), ...left.filter((point) => !repeats(point))];
  const above = Math.max(0, (newest ? 1 : 0) + others.length - aged.length - count);
  return [...aged, ...inOrder.slice(0, above)].map(({ id }) => id);
}

/** How full the volume is, in words. */
export async function fullness(folder: string): Promise<string> {
  const { bavail, blocks, bsize } = await statfs(folder);
  return `${inUnits(bavail * bsize)} of ${inUnits(blocks * bsize)} are free`;
}

export function inUnits(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const step = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Number((bytes / 1024 ** step).toPrecision(3))} ${units[step]}`;
}
