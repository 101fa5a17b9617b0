import { existsSync, rmSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TemporaryFolder {
  path: string;
  remove(): Promise<void>;
}

/**
 * A folder that goes with this process: on `remove`, on exit, and, when the process was killed before it could, with the next call that
 * uses the same prefix.
 */
export async function temporaryFolder(prefix: string): Promise<TemporaryFolder> {
  await removeOrphans(prefix);
  const path = await mkdtemp(join(tmpdir(), prefix));
  const removeNow = () => rmSync(path, { recursive: true, force: true });
  process.once('exit', removeNow);
  await writeFile(join(path, 'owner'), String(process.pid));
  return {
    path,
    remove: async () => {
      process.off('exit', removeNow);
      await rm(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function removeOrphans(prefix: string): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(prefix));
  await Promise.all(
    names.map(async (name) => {
      const owner = await readFile(join(tmpdir(), name, 'owner'), 'utf8').catch(() => '');
      if (owner !== '' && !existsSync(`/proc/${owner}`))
        await rm(join(tmpdir(), name), { recursive: true, force: true });
    }),
  );
}
