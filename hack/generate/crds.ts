import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { customResourceDefinition, GROUP, KINDS } from '@orderplane/operator/api/v1alpha1/index.ts';
import { root } from '../root.ts';

const HEADER = '# Generated from operator/api/v1alpha1 by `npm run generate`. Do not edit.\n';
const folder = join(root, 'crds');

/**
 * Writes crds/*.yaml from the zod schemas. With `check` it writes nothing and returns the files that are not what would be
 * generated.
 */
export async function generateCrds({ check = false }: { check?: boolean } = {}): Promise<string[]> {
  const wanted = new Map(
    Object.values(KINDS).map((kind) => [
      `${GROUP}_${kind.plural}.yaml`,
      HEADER + stringify(customResourceDefinition(kind), { lineWidth: 0, aliasDuplicateObjects: false }),
    ]),
  );
  await mkdir(folder, { recursive: true });
  const faults: string[] = [];
  for (const [name, content] of wanted) {
    const path = join(folder, name);
    if ((await readFile(path, 'utf8').catch(() => undefined)) === content) continue;
    faults.push(`crds/${name} does not match the schemas`);
    if (!check) await writeFile(path, content);
  }
  for (const name of await readdir(folder)) {
    if (wanted.has(name)) continue;
    faults.push(`crds/${name} belongs to no kind`);
    if (!check) await rm(join(folder, name));
  }
  return check ? faults : [];
}
