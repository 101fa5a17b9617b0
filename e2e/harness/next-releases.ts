/** Later releases, for tests that go on to them: the services of this checkout with further migrations of orders. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuiltImage } from '@orderplane/hack/images/index.ts';
import type { Progress } from '@orderplane/hack/progress.ts';
import { root } from '@orderplane/hack/root.ts';
import { derivedImage } from './derived-image.ts';

/** Its migration takes half a minute, the last seconds of it with a lock on the events. No release of ours is called like these. */
export const SLOW_RELEASE = '99.1.0';
/** Comes after it; its migration fails. */
export const FAILING_RELEASE = '99.2.0';

const FOLDER = join(root, 'e2e', 'fixtures', 'next-release');
const MIGRATIONS: Readonly<Record<string, readonly string[]>> = {
  [SLOW_RELEASE]: ['slow'],
  [FAILING_RELEASE]: ['slow', 'failing'],
};

/** The images of the services of these releases, by version. @param services of this checkout */
export async function nextReleases(services: BuiltImage, report: Progress): Promise<Map<string, BuiltImage>> {
  const images = new Map<string, BuiltImage>();
  for (const [version, folders] of Object.entries(MIGRATIONS)) {
    const files: Record<string, string> = { Dockerfile: await readFile(join(FOLDER, 'Dockerfile'), 'utf8') };
    for (const folder of folders) {
      for (const file of await readdir(join(FOLDER, folder)))
        files[`migrations/${file}`] = await readFile(join(FOLDER, folder, file), 'utf8');
    }
    const derivation = { name: `services-${version}`, title: `Image of the services of release ${version}`, files };
    images.set(version, await derivedImage(derivation, services, report));
  }
  return images;
}
