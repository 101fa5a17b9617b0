import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Progress, Step } from '../progress.ts';
import { root } from '../root.ts';
import { cacheDir, contentKey, folderParts } from './cache.ts';
import { TOOLS, type GoTool, type ToolName } from './catalogue.ts';
import { findProgram, runCommand } from './command.ts';
import { ensureDebianPackages } from './debian.ts';
import { ensureGo } from './go.ts';
import { withLock } from './lock.ts';
import { withPatch } from './patched.ts';
import { fetchRelease } from './release.ts';

export type { ToolName } from './catalogue.ts';

/**
 * Absolute paths of the named programs. What is missing is installed (Debian packages), fetched (official releases, where they can be
 * reached) or built from its Go module, once per version, into the per-user cache; any number of processes may ask at the same time.
 */
export async function ensureTools<Name extends ToolName>(
  names: readonly Name[],
  report: Progress,
): Promise<Record<Name, string>> {
  const paths: Partial<Record<ToolName, string>> = {};
  await installDebianTools(names, report);
  // In the catalogue's order, one at a time: a Go build uses every core by itself.
  for (const name of Object.keys(TOOLS) as ToolName[]) {
    if (!(names as readonly ToolName[]).includes(name)) continue;
    const tool = TOOLS[name];
    paths[name] = tool.kind === 'go' ? await ensureGoTool(name, tool, report) : await findProgram(tool.program);
    if (!paths[name]) throw new Error(`${name} is missing although its Debian package is installed`);
  }
  return paths as Record<Name, string>;
}

/** Which of the named programs `ensureTools` would have to make or install. */
export async function missingTools(names: readonly ToolName[]): Promise<ToolName[]> {
  const present = await Promise.all(
    names.map(async (name) => {
      const tool = TOOLS[name];
      return tool.kind === 'go' ? existsSync(builtPath(name, tool)) : (await findProgram(tool.program)) !== undefined;
    }),
  );
  return names.filter((_, index) => !present[index]);
}

async function installDebianTools(names: readonly ToolName[], report: Progress): Promise<void> {
  const packages = new Set<string>();
  for (const name of await missingTools(names)) {
    const tool = TOOLS[name];
    if (tool.kind === 'debian') packages.add(tool.package);
  }
  await ensureDebianPackages([...packages], report);
}

/** Names a Go tool's build: changes with its version, its sources and its flags. */
export function toolBuild(name: ToolName): string {
  const tool = TOOLS[name];
  if (tool.kind !== 'go') throw new Error(`${name} is not built here`);
  return basename(dirname(builtPath(name, tool)));
}

/** Where a tool's binary is once made: the folder's name changes with its version, its module files, its patch and its flags. */
function builtPath(name: string, tool: GoTool): string {
  const key = contentKey([
    ...folderParts(join(root, 'hack', 'toolchain', 'go', tool.folder)),
    ['build', [tool.package, tool.ldflags, tool.tags ?? ''].join('\n')],
  ]);
  return join(cacheDir(), 'tools', `${name}-${tool.version}-${key}`, name);
}

async function ensureGoTool(name: string, tool: GoTool, report: Progress): Promise<string> {
  const path = builtPath(name, tool);
  if (existsSync(path)) return path;
  const step = report.step(`${name} ${tool.version}`, { expectedSeconds: tool.coldSeconds });
  try {
    const waiting = () => step.update('waiting for another process that makes it');
    await withLock(
      `${join(path, '..')}.lock`,
      async () => existsSync(path) || (await make(name, tool, path, step, report)),
      waiting,
    );
    step.done();
    return path;
  } catch (error) {
    step.fail(error);
    throw error;
  }
}

/** Makes the binary beside its place and renames it there, so that a binary that exists is a whole one. */
async function make(name: string, tool: GoTool, path: string, step: Step, report: Progress): Promise<void> {
  const folder = join(path, '..');
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  step.update('looking for the official release');
  if (!tool.release || !(await fetchRelease(tool.release, join(partial, name)))) {
    const go = await ensureGo(report);
    step.update('building');
    const toolFolder = join(root, 'hack', 'toolchain', 'go', tool.folder);
    const workFolder = join(partial, 'source');
    const options = tool.tags ? ['-tags', tool.tags] : [];
    if (tool.patch) {
      const { patch } = await ensureTools(['patch'], report);
      options.push(...(await withPatch(tool.patch, { go, patch, toolFolder, workFolder })));
    }
    await runCommand(
      go.binary,
      ['build', '-trimpath', ...options, '-ldflags', tool.ldflags, '-o', join(partial, name), tool.package],
      { cwd: toolFolder, env: go.env },
    );
    await rm(workFolder, { recursive: true, force: true });
  }
  await rm(folder, { recursive: true, force: true });
  await rename(partial, folder);
}
