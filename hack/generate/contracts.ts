import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../root.ts';

const run = promisify(execFile);
const contracts = join(root, 'services/contracts');
const bin = join(root, 'node_modules/.bin');

/**
 * Writes the code for services/contracts/proto into services/contracts/gen. With `check` it writes nothing and returns the
 * files that are not what would be generated.
 */
export async function generateContracts({ check = false }: { check?: boolean } = {}): Promise<string[]> {
  await buf('lint');
  if (!check) {
    await buf('generate');
    return [];
  }
  const scratch = await mkdtemp(join(tmpdir(), 'orderplane-contracts-'));
  try {
    await buf('generate', '--output', scratch);
    const stale = await differing(join(scratch, 'gen'), join(contracts, 'gen'));
    return stale.map((file) => `services/contracts/gen/${file} does not match the proto files`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** protoc-gen-es is found on the PATH, so that generation needs no network. */
async function buf(...args: string[]): Promise<void> {
  await run(join(bin, 'buf'), args, {
    cwd: contracts,
    env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
  });
}

async function differing(expected: string, actual: string): Promise<string[]> {
  const files = new Set([...(await filesOf(expected)), ...(await filesOf(actual))]);
  const contents = (folder: string, file: string) => readFile(join(folder, file), 'utf8').catch(() => undefined);
  const stale: string[] = [];
  for (const file of [...files].toSorted()) {
    if ((await contents(expected, file)) !== (await contents(actual, file))) stale.push(file);
  }
  return stale;
}

async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}
