import { parse } from 'yaml';
import { z } from 'zod';

/** Everything that the operator deploys, by what it holds. */
export const IMAGE_NAMES = ['operator', 'services', 'storefront', 'postgres', 'postgres16', 'mongo', 'nats'] as const;
export type ImageName = (typeof IMAGE_NAMES)[number];
/** References by which pods pull. */
export type Images = Readonly<Record<ImageName, string>>;

const overrideFile = z.strictObject({
  images: z.partialRecord(z.enum(IMAGE_NAMES), z.string().min(1)).default({}),
});

/**
 * The images, with those of an override file (YAML, `images: {postgres: …}`) in their place.
 * Throws with the file's fault in words.
 */
export function withImageOverrides(images: Images, file: string): Images {
  const parsed = overrideFile.safeParse(parse(file) ?? {});
  if (!parsed.success) throw new Error(`the image overrides are wrong: ${z.prettifyError(parsed.error)}`);
  const given = Object.entries(parsed.data.images).filter(([, image]) => image !== undefined);
  return { ...images, ...Object.fromEntries(given) };
}

/** The first part of a reference is a host where it could be no name: it has a dot or a port, or is localhost. */
const HOST = /^(?:[^/]*[.:][^/]*|localhost)\//;

/** The images as a mirror has them: its address in the place of each one's registry, path, tag and digest kept. */
export function fromRegistry(images: Images, registry: string | undefined): Images {
  if (registry === undefined) return images;
  const moved = Object.entries(images).map(([name, image]) => [name, `${registry}/${image.replace(HOST, '')}`]);
  return Object.fromEntries(moved) as Images;
}
