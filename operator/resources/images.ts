import { parse } from 'yaml';
import { z } from 'zod';

/** Everything that the operator deploys, by what it holds. */
export const IMAGE_NAMES = [
  'operator',
  'services',
  'storefront',
  'postgres',
  'postgres16',
  'mongo',
  'nats',
  'redis',
] as const;
export type ImageName = (typeof IMAGE_NAMES)[number];
/** References by which pods pull. */
export type Images = Readonly<Record<ImageName, string>>;

/** Releases beside the operator's own, by version: the images that they have in the place of its own. */
export type Releases = Readonly<Record<string, Partial<Images>>>;

/** What an operator can deploy. */
export interface ImageCatalogue {
  images: Images;
  releases: Releases;
}

/** As in spec.version. */
const VERSION = /^[0-9]+\.[0-9]+\.[0-9]+$/;
const reference = z.string().min(1);
const imagesFile = z.strictObject({
  images: z.partialRecord(z.enum(IMAGE_NAMES), reference).default({}),
  releases: z
    .record(
      z.string(),
      // Jobs run the operator's own image, whatever release they are for.
      z.partialRecord(z.enum(IMAGE_NAMES).exclude(['operator']), reference),
    )
    .default({}),
});

/**
 * The catalogue of an operator with an images file (YAML): `images: {postgres: …}` in the place of its own, and further releases that
 * platforms may ask for, `releases: {0.2.0: {services: …}}`. Throws with the file's fault in words.
 */
export function readCatalogue(own: { release: string; images: Images }, file: string): ImageCatalogue {
  const parsed = imagesFile.safeParse(parse(file) ?? {});
  if (!parsed.success) throw new Error(`the images file is wrong: ${z.prettifyError(parsed.error)}`);
  const { images, releases } = parsed.data;
  const odd = Object.keys(releases).find((version) => !VERSION.test(version));
  if (odd !== undefined) throw new Error(`the images file is wrong: release ${odd} is no version such as 1.2.3`);
  if (own.release in releases)
    throw new Error(
      `the images file is wrong: release ${own.release} is this operator's own. Put its images under images`,
    );
  const given = Object.entries(images).filter(([, image]) => image !== undefined);
  return { images: { ...own.images, ...Object.fromEntries(given) }, releases };
}

/** The first part of a reference is a host where it could be no name: it has a dot or a port, or is localhost. */
const HOST = /^(?:[^/]*[.:][^/]*|localhost)\//;

/** The images as a mirror has them: its address in the place of each one's registry, path, tag and digest kept. */
export function fromRegistry(images: Images, registry: string | undefined): Images {
  if (registry === undefined) return images;
  const moved = Object.entries(images).map(([name, image]) => [name, `${registry}/${image.replace(HOST, '')}`]);
  return Object.fromEntries(moved) as Images;
}
