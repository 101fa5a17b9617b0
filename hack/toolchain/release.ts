import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runCommand } from './command.ts';
import type { OfficialRelease } from './catalogue.ts';

const REACHABLE_MS = 3_000;
const DOWNLOAD_MS = 600_000;
const unreachable = new Set<string>();

/**
 * Downloads an official binary to `target` when its host can be reached, and returns whether it did. A checksum that does not match is an error,
 * never a reason to go on quietly.
 */
export async function fetchRelease(release: OfficialRelease, target: string): Promise<boolean> {
  const host = new URL(release.url).host;
  if (unreachable.has(host)) return false;
  const expected = await publishedChecksum(release);
  if (expected === undefined) {
    unreachable.add(host);
    return false;
  }
  const download = `${target}.download`;
  try {
    const response = await fetch(release.url, { signal: AbortSignal.timeout(DOWNLOAD_MS) });
    if (!response.ok || !response.body) return false;
    await writeFile(download, response.body);
    const actual = await sha256(download);
    if (actual !== expected)
      throw new Error(`${release.url}: its SHA-256 is ${actual}, but ${release.checksumUrl} says ${expected}`);
    await unpack(release, download, target);
    return true;
  } finally {
    await rm(download, { force: true });
  }
}

async function publishedChecksum({ url, checksumUrl }: OfficialRelease): Promise<string | undefined> {
  try {
    const response = await fetch(checksumUrl, { signal: AbortSignal.timeout(REACHABLE_MS) });
    return response.ok ? checksumOf(await response.text(), url.slice(url.lastIndexOf('/') + 1)) : undefined;
  } catch {
    return undefined;
  }
}

/** The SHA-256 of a file in a checksum file: either a bare one or lines of `<checksum>  <file name>`. */
export function checksumOf(text: string, file: string): string | undefined {
  const lines = text.trim().split('\n').map((line) => line.trim().split(/\s+/)); // prettier-ignore
  const line =
    lines.find(([, name]) => name?.replace(/^\*?(\.\/)?/, '') === file) ??
    (lines.length === 1 && lines[0]?.length === 1 ? lines[0] : undefined);
  return line?.[0]?.match(/^[0-9a-f]{64}$/)?.[0];
}

async function unpack({ member }: OfficialRelease, download: string, target: string): Promise<void> {
  if (member) {
    await runCommand('tar', [
      '-xzf',
      download,
      '-C',
      dirname(target),
      '--strip-components',
      String(member.split('/').length - 1),
      member,
    ]);
    await rename(join(dirname(target), member.slice(member.lastIndexOf('/') + 1)), target);
  } else {
    await rename(download, target);
  }
  await chmod(target, 0o755);
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
