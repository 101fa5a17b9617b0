/**
 * Builds the storefront into `dist/`: one folder with `server.js`, ready to be copied into an image.
 *
 *     node services/storefront/bundle.ts
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, glob, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface StorefrontBundle {
  /** Holds server.js, .next/ and node_modules/; nothing in it is written at run time. */
  directory: string;
  /** Changes when, and only when, something that goes into the build changes. */
  inputsHash: string;
}

const storefront = fileURLToPath(new URL('.', import.meta.url));
const directory = join(storefront, 'dist');
const hashFile = join(directory, '.inputs');
/** Beside what npm installed, as nothing else in the checkout is sure to exist and to be ignored by git. */
const lock = fileURLToPath(new URL('../../node_modules/.storefront-bundle.lock', import.meta.url));
const nextBin = createRequire(import.meta.url).resolve('next/dist/bin/next');

const INPUTS = [
  '{app,gateway,session,shop,telemetry}/**/*',
  '*.{ts,mjs,json}',
  // What telemetry/ has of the other services.
  '../shared/{backoff,config,errors,log,management,request-context}.ts',
  '../shared/telemetry/*.ts',
  '../shared/package.json',
  '../contracts/release.ts',
];
const NOT_INPUTS = ['**/*.test.ts', 'next-env.d.ts'];

/** No server may ever ask here: a build that contains this value would have frozen the gateway's address into the image. */
const BUILD_TIME_ADDRESS = 'http://address-of-the-build-machine.invalid/graphql';

/** Brings `dist/` up to date, by `next build` when an input changed. Safe to be called by several processes at once. */
export async function bundleStorefront(): Promise<StorefrontBundle> {
  const inputsHash = await hashInputs();
  // One build at a time: whoever waited for the lock finds the work done.
  if (!(await isCurrent(inputsHash))) {
    await run('flock', [lock, process.execPath, fileURLToPath(import.meta.url)]);
  }
  return { directory, inputsHash };
}

async function build(): Promise<void> {
  const inputsHash = await hashInputs();
  if (await isCurrent(inputsHash)) return;
  await run(process.execPath, [nextBin, 'build'], {
    NEXT_TELEMETRY_DISABLED: '1',
    NEXT_PUBLIC_GRAPHQL_URL: BUILD_TIME_ADDRESS,
    STOREFRONT_BUILD_ID: inputsHash,
  });
  // There is one of it under the lock; git and the linter ignore what a failed build leaves here.
  const fresh = join(storefront, '.next/bundle');
  await rm(fresh, { recursive: true, force: true });
  await assemble(fresh);
  await refuseFrozenAddress(fresh);
  await refuseLinks(fresh);
  await writeFile(join(fresh, '.inputs'), inputsHash);
  await rm(directory, { recursive: true, force: true });
  await rename(fresh, directory);
}

/** npm hoists modules to the repository's root, so the standalone output is two trees; an image wants one. */
async function assemble(target: string): Promise<void> {
  const standalone = join(storefront, '.next/standalone');
  await mkdir(target, { recursive: true });
  await cp(join(standalone, 'node_modules'), join(target, 'node_modules'), { recursive: true, filter: isNeeded });
  // Next.js links to the packages that it leaves out of its chunks: an image has only what is in this folder.
  await cp(join(standalone, 'services/storefront'), target, { recursive: true, dereference: true });
  await cp(join(storefront, '.next/static'), join(target, '.next/static'), { recursive: true });
}

/** No image is optimised at run time: sharp and its native libraries would be half of the bundle. */
function isNeeded(path: string): boolean {
  return !/standalone\/node_modules\/(@img|sharp)(\/|$)/.test(path);
}

async function refuseFrozenAddress(built: string): Promise<void> {
  for await (const file of glob('.next/**/*.{js,json,html,rsc}', { cwd: built })) {
    if ((await readFile(join(built, file), 'utf8')).includes(BUILD_TIME_ADDRESS)) {
      throw new Error(`${file} contains the NEXT_PUBLIC_GRAPHQL_URL of the build: it must be read at run time`);
    }
  }
}

async function refuseLinks(built: string): Promise<void> {
  const entries = await readdir(built, { recursive: true, withFileTypes: true });
  const link = entries.find((entry) => entry.isSymbolicLink());
  if (link) throw new Error(`${join(link.parentPath, link.name)} is a link: an image would not have what it leads to`);
}

async function hashInputs(): Promise<string> {
  const hash = createHash('sha256').update(process.version);
  const require = createRequire(import.meta.url);
  for (const name of ['next', 'react', 'react-dom']) {
    hash.update(await readFile(require.resolve(`${name}/package.json`)));
  }
  const files = [];
  for await (const file of glob(INPUTS, { cwd: storefront, exclude: NOT_INPUTS, withFileTypes: true })) {
    if (file.isFile()) files.push(join(file.parentPath, file.name));
  }
  for (const file of files.sort()) {
    hash
      .update(file.slice(storefront.length))
      .update('\0')
      .update(await readFile(file))
      .update('\0');
  }
  return hash.digest('hex').slice(0, 12);
}

async function isCurrent(inputsHash: string): Promise<boolean> {
  return (await readFile(hashFile, 'utf8').catch(() => '')) === inputsHash;
}

async function run(command: string, args: string[], environment: Record<string, string> = {}): Promise<void> {
  const child = spawn(command, args, {
    cwd: storefront,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  const [code, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (code !== 0) throw new Error(`the storefront's build failed:\n${out}${err}`);
}

if (import.meta.main) await build();
