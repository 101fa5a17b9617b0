import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { inStep, type Progress } from '../progress.ts';
import { root } from '../root.ts';
import { cacheDir, contentKey } from '../toolchain/cache.ts';
import { ensureTools, toolBuild } from '../toolchain/index.ts';
import { versions } from '../versions.ts';
import { exportImage } from './archive.ts';
import { baseKey, ensureBase } from './base.ts';
import { withBuildah, type Buildah } from './buildah.ts';
import { withBundles, type Bundles } from './bundle.ts';

const PRODUCT_IMAGES = ['operator', 'services', 'storefront'] as const;
const STAND_INS = ['postgres', 'mongo', 'nats', 'redis'] as const;
const IMAGES = [...PRODUCT_IMAGES, ...STAND_INS];

export type ImageName = (typeof IMAGES)[number];

export interface BuiltImage {
  /** Name and tag; the tag ends in the hash of everything that the image is made from. */
  reference: string;
  /** Path of an archive of it for `ctr images import` and `docker load`. */
  archive: string;
  hash: string;
}

/** How many builds of an image stay in the cache. */
const KEPT_BUILDS = 3;
const STANDIN_DIR = join(root, 'hack', 'images', 'standins');

/**
 * The images that the local node runs, as archives in the cache: the product's own from the Dockerfile, and the stand-ins. One whose
 * inputs are unchanged costs nothing.
 */
export async function buildImages(
  report: Progress,
  options: { only?: readonly ImageName[] } = {},
): Promise<Record<ImageName, BuiltImage>> {
  const wanted = options.only ?? IMAGES;
  const products = PRODUCT_IMAGES.filter((name) => wanted.includes(name));
  const build = async (bundles?: Bundles) => {
    const hashes = await Promise.all(
      wanted.map((name) => (isStandIn(name) ? standInHash(name) : productHash(bundles, name))),
    );
    const plan = Object.fromEntries(
      wanted.map((name, index) => [name, builtImage(name, hashes[index] as string)]),
    ) as Record<ImageName, BuiltImage>;
    if (missing(plan).length > 0) await withBuildah(report, (buildah) => buildMissing(buildah, plan, report));
    return plan;
  };
  return products.length > 0 ? withBundles(products, report, build) : build();
}

function builtImage(name: ImageName, hash: string): BuiltImage {
  return { hash, reference: referenceOf(name, hash), archive: join(cacheDir(), 'images', `${name}-${hash}.tar`) };
}

function missing(plan: Record<ImageName, BuiltImage>): [ImageName, BuiltImage][] {
  return (Object.entries(plan) as [ImageName, BuiltImage][]).filter(([, { archive }]) => !existsSync(archive));
}

/** Looks again what is missing: another process may have made it while this one waited for its turn. */
async function buildMissing(buildah: Buildah, plan: Record<ImageName, BuiltImage>, report: Progress): Promise<void> {
  const images = missing(plan);
  if (images.length === 0) return;
  await ensureBase(buildah, report);
  for (const [name, image] of images) {
    if (name === 'operator') await ensurePostgres(buildah, report);
    await inStep(report, `Image ${name}`, async (step) => {
      await (isStandIn(name) ? buildStandIn(buildah, name, image, report) : buildProduct(buildah, name, image));
      step.update('writing the archive');
      await exportImage(buildah, image.reference, image.archive);
      await removeOldBuilds(buildah, name, image.archive);
    });
  }
  // Layers that only removed images had.
  await buildah('rmi', '--prune', '--force');
}

/** The operator's image takes programs from the Postgres image: here, from the stand-in, which has that name in our own storage only. */
async function ensurePostgres(buildah: Buildah, report: Progress): Promise<void> {
  const stored = builtImage('postgres', await standInHash('postgres'));
  const isStored = await buildah('inspect', '--type', 'image', '--format', '{{.FromImageID}}', stored.reference).then(
    () => true,
    () => false,
  );
  if (!isStored) await inStep(report, 'Image postgres', () => buildStandIn(buildah, 'postgres', stored, report));
  const { repository, tag } = versions().images.postgres;
  await buildah('tag', stored.reference, `docker.io/library/${repository}:${tag}`);
}

function buildProduct(buildah: Buildah, target: string, { reference }: BuiltImage): Promise<string> {
  return buildah(
    'build',
    ...BUILD_OPTIONS,
    '--target',
    target,
    '--tag',
    reference,
    '--file',
    join(root, 'Dockerfile'),
    root,
  );
}

/** Stand-ins are built in a folder of their own, beside the programs of the toolchain that they carry. */
async function buildStandIn(
  buildah: Buildah,
  name: string,
  { reference }: BuiltImage,
  report: Progress,
): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), 'orderplane-standin-'));
  try {
    for (const file of await readdir(STANDIN_DIR)) await copyFile(join(STANDIN_DIR, file), join(context, file));
    const program = STAND_IN_PROGRAMS[name];
    if (program) {
      const { [program]: path } = await ensureTools([program], report);
      await copyFile(path, join(context, program));
    }
    await buildah(
      'build',
      ...BUILD_OPTIONS,
      '--target',
      name,
      '--tag',
      reference,
      '--file',
      join(context, 'Dockerfile'),
      context,
    );
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/** Layers are kept, so that targets share them; timestamps are fixed, so that equal content is an equal layer. */
const BUILD_OPTIONS = [
  '--layers',
  '--timestamp',
  '0',
  '--pull-never',
  '--isolation',
  'chroot',
  '--network',
  'host',
  '--quiet',
];

/** What a stand-in carries of the toolchain; Debian's packages are the rest. */
const STAND_IN_PROGRAMS: Readonly<Partial<Record<string, 'ferretdb' | 'nats-server'>>> = {
  mongo: 'ferretdb',
  nats: 'nats-server',
};

function isStandIn(name: ImageName): name is (typeof STAND_INS)[number] {
  return (STAND_INS as readonly string[]).includes(name);
}

function referenceOf(name: ImageName, hash: string): string {
  const { images, tools } = versions();
  switch (name) {
    case 'postgres':
      return `localhost/orderplane-standin/postgres:${images.postgres.tag}-${hash}`;
    case 'mongo':
      return `localhost/orderplane-standin/mongo:ferretdb-${tools.ferretdb}-${hash}`;
    case 'nats':
      return `localhost/orderplane-standin/nats:${tools.natsServer}-${hash}`;
    case 'redis':
      return `localhost/orderplane-standin/redis:${images.redis.tag}-${hash}`;
    case 'operator':
    case 'services':
    case 'storefront':
      return `localhost/orderplane/${name}:${hash}`;
  }
}

async function productHash(bundles: Bundles | undefined, name: (typeof PRODUCT_IMAGES)[number]): Promise<string> {
  const recipe = await Promise.all(
    ['Dockerfile', '.dockerignore'].map(async (file) => [file, await readFile(join(root, file))] as const),
  );
  const postgres = name === 'operator' ? await standInHash('postgres') : '';
  return contentKey([['base', baseKey()], ['node', bundles?.node ?? ''], ['name', name], ['bundle', bundles?.[name] ?? ''], ['postgres', postgres], ...recipe]); // prettier-ignore
}

async function standInHash(name: (typeof STAND_INS)[number]): Promise<string> {
  const files = (await readdir(STANDIN_DIR)).sort();
  const recipe = await Promise.all(files.map(async (file) => [file, await readFile(join(STANDIN_DIR, file))] as const));
  const program = STAND_IN_PROGRAMS[name];
  return contentKey([['base', baseKey()], ['name', name], ['program', program ? toolBuild(program) : ''], ...recipe]); // prettier-ignore
}

async function removeOldBuilds(buildah: Buildah, name: ImageName, newest: string): Promise<void> {
  const folder = dirname(newest);
  const pattern = new RegExp(`^${name}-([0-9a-f]{12})\\.tar$`);
  const archives = (await readdir(folder)).filter((file) => pattern.test(file) && file !== basename(newest));
  const aged = await Promise.all(
    archives.map(async (file) => ({ file, made: (await stat(join(folder, file))).mtimeMs })),
  );
  const old = aged.sort((a, b) => b.made - a.made).slice(KEPT_BUILDS - 1);
  const references = (await buildah('images', '--format', '{{.Name}}:{{.Tag}}')).split('\n');
  for (const { file } of old) {
    await rm(join(folder, file), { force: true });
    const hash = file.match(pattern)?.[1] ?? '';
    const stored = references.find((reference) => reference.includes(`/${name}:`) && reference.endsWith(hash));
    if (stored) await buildah('rmi', stored);
  }
}
