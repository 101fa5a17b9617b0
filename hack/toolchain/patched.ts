import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import type { Go } from './go.ts';

export interface ModulePatch {
  /** Path of a module that the tool requires. */
  module: string;
  /** A unified diff in the tool's folder, as `patch -p1` takes it. */
  file: string;
}

/** Options of `go build` that take a module from a patched copy, which is made in a folder for the time of the build: the cache's own copy stays as it is. */
export async function withPatch(
  { module, file }: ModulePatch,
  { go, patch, toolFolder, workFolder }: { go: Go; patch: string; toolFolder: string; workFolder: string },
): Promise<string[]> {
  const downloaded = await runCommand(go.binary, ['mod', 'download', '-json', module], {
    cwd: toolFolder,
    env: go.env,
  });
  const { Dir: original } = JSON.parse(downloaded) as { Dir: string };
  const copy = join(workFolder, 'module');
  await mkdir(workFolder, { recursive: true });
  await runCommand('cp', ['--recursive', '--no-preserve=mode', original, copy]);
  await runCommand(patch, ['-p1', '--input', join(toolFolder, file)], { cwd: copy });
  const modFile = join(workFolder, 'go.mod');
  for (const name of ['go.mod', 'go.sum']) await copyFile(join(toolFolder, name), join(workFolder, name));
  await runCommand(go.binary, ['mod', 'edit', `-replace=${module}=${copy}`, modFile], { env: go.env });
  return ['-modfile', modFile];
}
