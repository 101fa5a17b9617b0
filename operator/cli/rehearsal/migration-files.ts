/** The migrations that a Job would run: those that it brings as text, and those in an image of this release, which this command has as well. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Migration } from '../../api/v1alpha1/index.ts';
import { OrderPlatforms } from '../../api/v1alpha1/objects.ts';
import { checksumOf, compareVersions, readSource, type SourceText } from '../../jobs/migrate/source.ts';
import { fromRegistry } from '../../resources/images.ts';
import { ConfigMaps, type Job } from '../../runtime/known-resources.ts';
import type { World } from './world.ts';

/** An up file. */
export type UpFile = SourceText & { version: string };

/** The folder of services: beside this command in its bundle, and in a checkout. */
const FOLDERS = ['services', '../../../services'].map((folder) => join(import.meta.dirname, folder));

/**
 * Oldest first, up to the version that the Migration wants; undefined where they are in an image of somebody else's or of another release:
 * nobody can look into that from here.
 */
export async function migrationFilesOf(world: World, job: Job, migration: Migration): Promise<UpFile[] | undefined> {
  const { toVersion = 'latest', source } = migration.spec;
  const files = source.release ? await filesOfRelease(world, job, migration) : await filesOfJob(world, job);
  const isWanted = ({ version }: UpFile) => toVersion === 'latest' || compareVersions(version, toVersion) <= 0;
  return files?.filter(isWanted).toSorted((a, b) => compareVersions(a.version, b.version));
}

/** The image that has the files of a Job; undefined where it brings them itself. */
export function imageOfFiles(job: Job): string | undefined {
  return job.spec?.template.spec?.initContainers?.[0]?.image;
}

async function filesOfJob(world: World, { metadata }: Job): Promise<UpFile[]> {
  const config = await world.read(ConfigMaps, { namespace: metadata.namespace ?? '', name: metadata.name });
  return Object.entries(config?.data ?? {}).flatMap(([file, text]) => {
    const version = /^(\d+)_.*\.up\.(sql|yaml)$/.exec(file)?.[1];
    return version ? [{ version, file, text, checksum: checksumOf(text) }] : [];
  });
}

async function filesOfRelease(world: World, job: Job, { metadata, spec }: Migration): Promise<UpFile[] | undefined> {
  const { platformRef, source, engine } = spec;
  const platform = world
    .find(OrderPlatforms)
    .find((each) => each.metadata.name === platformRef?.name && each.metadata.namespace === metadata.namespace);
  const ofRelease = Object.values(fromRegistry(world.images, platform?.spec.images?.registry));
  const folder = FOLDERS.map((services) => join(services, source.release ?? '', 'migrations')).find(existsSync);
  if (!folder || !ofRelease.includes(imageOfFiles(job) ?? '')) return undefined;
  return readSource(folder, engine);
}
