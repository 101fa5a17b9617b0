import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { root } from '../root.ts';
import { imageReference, versions } from '../versions.ts';

const target = 'operator/resources/release-images.ts';

/** Writes the images of the release, from versions.yaml, as the module that is bundled with the operator; returns the file if it had drifted. */
export async function generateReleaseCatalogue(options: { check?: boolean }): Promise<readonly string[]> {
  const path = join(root, target);
  const wanted = await format(moduleText(), { ...(await resolveConfig(path)), parser: 'typescript' });
  const found = await readFile(path, 'utf8').catch(() => undefined);
  if (found === wanted) return [];
  if (!options.check) await writeFile(path, wanted);
  return [target];
}

function moduleText(): string {
  const { release, images } = versions();
  const references = Object.fromEntries(Object.entries(images).map(([name, image]) => [name, imageReference(image)]));
  return `// Generated from versions.yaml by \`npm run generate\`: do not edit.

/** The platform release that this operator brings. */
export const RELEASE = ${JSON.stringify(release)};

/** The images of the release, as production pulls them. */
export const RELEASE_IMAGES = ${JSON.stringify(references)};

export type ImageName = keyof typeof RELEASE_IMAGES;
`;
}
