import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative } from 'node:path';

/** The per-user folder for everything that is built once: `$ORDERPLANE_CACHE`, else below the XDG cache folder. */
export function cacheDir(env: NodeJS.ProcessEnv = process.env): string {
  return env['ORDERPLANE_CACHE'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'orderplane');
}

/** Twelve hexadecimal digits that change when any of the named parts does. Order and names of the parts count. */
export function contentKey(parts: readonly (readonly [name: string, content: string | Buffer])[]): string {
  const hash = createHash('sha256');
  for (const [name, content] of parts) {
    // Lengths first, so that no two lists of parts run together into the same bytes.
    hash.update(`${Buffer.byteLength(name)}:${name}${Buffer.byteLength(content)}:`).update(content);
  }
  return hash.digest('hex').slice(0, 12);
}

/** The files below a folder as parts for `contentKey`, sorted by path. */
export function folderParts(folder: string): [string, Buffer][] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => [relative(folder, path), readFileSync(path)]);
}
