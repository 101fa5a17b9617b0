/**
 * `npm run build`: everything that the Dockerfile copies, into dist/ and services/storefront/dist/. A bundle whose inputs are unchanged is left
 * alone; one that is made anew replaces the old one whole.
 */
import { build, version as esbuildVersion } from 'esbuild';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, copyFile, cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { bundleStorefront } from '@orderplane/storefront/bundle.ts';
import { createProgress, inStep, type Progress } from '../progress.ts';
import { root } from '../root.ts';
import { contentKey } from '../toolchain/cache.ts';
import { withLock } from '../toolchain/lock.ts';

/** Changes in how bundles are made are inputs of them, too. */
const RECIPE = '4';

/** One a target of the Dockerfile. */
export type BundleName = 'operator' | 'services' | 'storefront';

/** Content keys of what the Dockerfile copies: Node, and the bundles that were asked for. */
export type Bundles = { node: string } & Partial<Record<BundleName, string>>;

const ALL: readonly BundleName[] = ['operator', 'services', 'storefront'];

/** Brings the bundles up to date and runs `work` on them; until it is done, no other process replaces one. */
export async function withBundles<T>(
  names: readonly BundleName[],
  report: Progress,
  work: (bundles: Bundles) => Promise<T>,
): Promise<T> {
  const dist = join(root, 'dist');
  return withLock(join(dist, '.lock'), async () => {
    const bundles: Bundles = { node: await bundleNode(join(dist, 'node')) };
    if (names.includes('operator'))
      bundles.operator = await bundlePrograms(dist, 'operator', [operatorProgram()], report);
    if (names.includes('services'))
      bundles.services = await bundlePrograms(dist, 'services', servicePrograms(), report);
    if (names.includes('storefront')) bundles.storefront = await bundleShop(report);
    return work(bundles);
  });
}

async function bundleShop(report: Progress): Promise<string> {
  const { inputsHash } = await inStep(report, 'Bundle of storefront', () => bundleStorefront(), {
    expectedSeconds: 40,
  });
  return inputsHash;
}

export interface Program {
  entry: string;
  /** Path of the bundled program below the bundle's folder. */
  output: string;
  /** Packages that are copied beside the program instead of bundled, because they load files of their own at run time. */
  packages?: readonly string[];
  /** Dynamically imported files that stay behind: the commands that work on the developer's machine, with all of hack/. */
  leftOut?: readonly string[];
  /** Whether memory counts more than readable stack traces: comments and blanks go. */
  lean?: boolean;
  /** Folders of data, copied beside the program: where they are, by where they go. */
  folders?: Readonly<Record<string, string>> | undefined;
}

export function operatorProgram(): Program {
  return {
    entry: join(root, 'operator', 'main.ts'),
    output: 'orderplane.mjs',
    packages: ['libpg-query'],
    // So that a plan can tell what an upgrade would do to databases.
    folders: Object.fromEntries(
      foldersWith('migrations').map((service) => [
        `services/${service}/migrations`,
        join(SERVICES, service, 'migrations'),
      ]),
    ),
    leftOut: ['up', 'down', 'check', 'install', 'uninstall'].map((command) => `./operator/cli/${command}.ts`),
  };
}

/** Every folder of services/ with a server.ts is a service. */
function servicePrograms(): Program[] {
  return foldersWith('server.ts').map((name) => ({
    entry: join(SERVICES, name, 'server.ts'),
    output: join(name, 'server.mjs'),
    lean: true,
    folders: foldersWith('migrations').includes(name) ? { migrations: join(SERVICES, name, 'migrations') } : undefined,
  }));
}

const SERVICES = join(root, 'services');

/** The folders of services/ that have something of that name, sorted. */
function foldersWith(name: string): string[] {
  return readdirSync(SERVICES)
    .filter((service) => existsSync(join(SERVICES, service, name)))
    .sort();
}

interface BundleRecord {
  /** Paths relative to the checkout. */
  inputs: string[];
  key: string;
}

/** Bundles programs into `dist/<name>` unless the inputs of last time are all as they were, and returns the key of the inputs. */
export async function bundlePrograms(
  dist: string,
  name: string,
  programs: readonly Program[],
  report: Progress,
): Promise<string> {
  const recordFile = join(dist, '.inputs', `${name}.json`);
  const record = await readRecord(recordFile);
  const folder = join(dist, name);
  if (record && existsSync(folder) && (await keyOf(record.inputs, programs)) === record.key) return record.key;

  return inStep(report, `Bundle of ${name}`, async () => {
    const partial = `${folder}.partial`;
    await rm(partial, { recursive: true, force: true });
    const inputs = new Set<string>();
    for (const program of programs) {
      for (const input of await bundleProgram(program, partial)) inputs.add(input);
    }
    const key = await keyOf([...inputs], programs);
    if (!key) throw new Error(`an input of ${name} went away while it was bundled`);
    await makeReadable(partial);
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
    await mkdir(dirname(recordFile), { recursive: true });
    await writeFile(recordFile, JSON.stringify({ inputs: [...inputs].sort(), key } satisfies BundleRecord));
    return key;
  });
}

/** Bundles one program, and returns the files it was made from. */
async function bundleProgram(program: Program, target: string): Promise<string[]> {
  const output = join(target, program.output);
  const result = await build({
    entryPoints: [program.entry],
    outdir: dirname(output),
    entryNames: basename(output, '.mjs'),
    outExtension: { '.js': '.mjs' },
    // What is imported dynamically is a file of its own, loaded when it is needed: Node keeps the source of all that it has loaded, in two bytes
    // a character as soon as a comment has one beyond Latin-1.
    splitting: true,
    minifyWhitespace: program.lean ?? false,
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node26',
    // CommonJS dependencies use these, which a module lacks. As globals, since a const here would collide with a module's own.
    banner: {
      js: [
        "import { createRequire as __createRequire } from 'node:module';",
        'globalThis.require ??= __createRequire(import.meta.url);',
        'globalThis.__filename ??= import.meta.filename; globalThis.__dirname ??= import.meta.dirname;',
      ].join(' '),
    },
    external: [...(program.packages ?? []), ...(program.leftOut ?? [])],
    legalComments: 'none',
    logLevel: 'silent',
    metafile: true,
  });
  const copied: string[] = [];
  for (const [name, source] of packagesWithDependencies(program.packages ?? [], program.entry)) {
    await cp(source, join(dirname(output), 'node_modules', name), { recursive: true, dereference: true });
    copied.push(relative(root, join(source, 'package.json')));
  }
  for (const [place, folder] of Object.entries(program.folders ?? {})) {
    await cp(folder, join(dirname(output), place), { recursive: true });
    copied.push(...(await filesOf(folder)));
  }
  return [...Object.keys(result.metafile.inputs), ...copied];
}

/** Folders of packages and of all that they depend on, by name. */
function packagesWithDependencies(
  names: readonly string[],
  importer: string,
  found = new Map<string, string>(),
): Map<string, string> {
  for (const name of names.filter((name) => !found.has(name))) {
    const folder = packageFolder(name, importer);
    found.set(name, folder);
    const file = join(folder, 'package.json');
    const { dependencies = {} } = JSON.parse(readFileSync(file, 'utf8')) as { dependencies?: Record<string, string> };
    packagesWithDependencies(Object.keys(dependencies), file, found);
  }
  return found;
}

function packageFolder(name: string, importer: string): string {
  const folder = createRequire(importer)
    .resolve.paths(name)
    ?.map((modules) => join(modules, name))
    .find((candidate) => existsSync(join(candidate, 'package.json')));
  if (!folder) throw new Error(`${name}, which ${importer} needs beside its bundle, is not installed`);
  return folder;
}

async function keyOf(inputs: readonly string[], programs: readonly Program[]): Promise<string | undefined> {
  // New files appear in no earlier list of inputs: those in the folders of data are looked for, those of code are imported by a changed one.
  const data = await Promise.all(programs.flatMap((program) => Object.values(program.folders ?? {})).map(filesOf));
  const paths = [...new Set([...inputs, ...data.flat()])].sort();
  const recipe = [RECIPE, esbuildVersion, ...programs.map((program) => program.output)].join('\n');
  try {
    const parts = await Promise.all(paths.map(async (path) => [path, await readFile(join(root, path))] as const));
    return contentKey([['recipe', recipe], ...parts]);
  } catch {
    return undefined; // An input is gone.
  }
}

/** Files below a folder, relative to the checkout. */
async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

async function readRecord(path: string): Promise<BundleRecord | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as BundleRecord;
  } catch {
    return undefined;
  }
}

/** The images' user is not the one who builds: everybody may read, whatever the umask. */
async function makeReadable(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  }
}

/** The pinned Node, which is the one that runs this, and the library of it that debian:trixie-slim lacks. */
async function bundleNode(folder: string): Promise<string> {
  const libatomic = await loadedLibrary('libatomic.so.1');
  const key = contentKey([['node', process.version], ['libatomic', await readFile(libatomic)]]); // prettier-ignore
  const keyFile = join(dirname(folder), '.inputs', 'node');
  if (existsSync(folder) && (await readFile(keyFile, 'utf8').catch(() => '')) === key) return key;
  const partial = `${folder}.partial`;
  await rm(partial, { recursive: true, force: true });
  for (const [source, target] of [
    [process.execPath, 'bin/node'],
    [libatomic, 'lib/libatomic.so.1'],
  ] as const) {
    await mkdir(dirname(join(partial, target)), { recursive: true });
    await copyFile(source, join(partial, target));
    await chmod(join(partial, target), 0o755);
  }
  await rm(folder, { recursive: true, force: true });
  await rename(partial, folder);
  await mkdir(dirname(keyFile), { recursive: true });
  await writeFile(keyFile, key);
  return key;
}

/** Path of a shared library that this process has loaded. */
async function loadedLibrary(name: string): Promise<string> {
  const line = (await readFile('/proc/self/maps', 'utf8')).split('\n').find((mapping) => mapping.includes(`/${name}`));
  if (!line) throw new Error(`this Node (${process.execPath}) was expected to use ${name}`);
  return line.slice(line.indexOf('/'));
}

if (import.meta.main) {
  // What failed has been said by its step.
  await withBundles(ALL, createProgress(), async () => {}).catch(() => (process.exitCode = 1));
}
