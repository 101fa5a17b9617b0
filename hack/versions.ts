import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { root } from './root.ts';

const version = z.string().regex(/^\d+\.\d+\.\d+$/, 'must be a full version such as 1.2.3');

const image = z.strictObject({
  repository: z.string().min(1),
  tag: z.string().min(1),
  digest: z.string().regex(/^(sha256:[0-9a-f]{64})?$/, 'must be empty or sha256:<64 hexadecimal digits>'),
});

const schema = z.strictObject({
  release: version,
  node: version,
  kubernetes: version,
  go: version,
  debian: z.string(),
  tools: z.strictObject({ coredns: version, natsServer: version, ferretdb: version }),
  images: z.strictObject({
    operator: image,
    services: image,
    storefront: image,
    postgres: image,
    postgres16: image,
    mongo: image,
    nats: image,
    redis: image,
  }),
});

export type Versions = z.infer<typeof schema>;
export type ImageVersion = z.infer<typeof image>;

/** Parses the text of versions.yaml; the error names every field at fault. */
export function parseVersions(text: string): Versions {
  const result = schema.safeParse(parse(text));
  if (!result.success) throw new Error(`versions.yaml: ${z.prettifyError(result.error)}`);
  return result.data;
}

let loaded: Versions | undefined;

/** The content of versions.yaml. */
export function versions(): Versions {
  return (loaded ??= parseVersions(readFileSync(join(root, 'versions.yaml'), 'utf8')));
}

/** `repository:tag`, with the digest where one is pinned. */
export function imageReference({ repository, tag, digest }: ImageVersion): string {
  return digest === '' ? `${repository}:${tag}` : `${repository}:${tag}@${digest}`;
}

/** Places that name another version than versions.yaml, a sentence each. */
export function versionDrift(): string[] {
  const wanted = versions();
  const packages = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
    devDependencies: Record<string, string>;
  };
  const release = wanted.release;
  const found: [place: string, found: string | undefined, wanted: string][] = [
    ['package.json, version', packages.version, release],
    ['package.json, devDependencies.node', packages.devDependencies['node'], wanted.node],
    ...(['operator', 'services', 'storefront'] as const).map(
      (name) => [`versions.yaml, images.${name}.tag`, wanted.images[name].tag, release] as [string, string, string],
    ),
    ['Dockerfile, FROM postgres', baseImageTag('postgres'), wanted.images.postgres.tag],
    ...Object.entries({
      kubernetes: ['k8s.io/kubernetes', wanted.kubernetes],
      coredns: ['github.com/coredns/coredns', wanted.tools.coredns],
      'nats-server': ['github.com/nats-io/nats-server/v2', wanted.tools.natsServer],
      ferretdb: ['github.com/FerretDB/FerretDB', wanted.tools.ferretdb],
    } as const).map(([folder, [module, version]]): [string, string | undefined, string] => [
      `hack/toolchain/go/${folder}/go.mod, ${module}`,
      requiredVersion(folder, module),
      version,
    ]),
  ];
  return found
    .filter(([, actual, expected]) => actual !== expected)
    .map(([place, actual, expected]) => `${place} is ${actual ?? 'missing'}, versions.yaml says ${expected}`);
}

/** The tag of an image that the Dockerfile builds on. */
function baseImageTag(name: string): string | undefined {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8');
  return text.match(new RegExp(`^FROM ${RegExp.escape(name)}:(\\S+)`, 'm'))?.[1];
}

function requiredVersion(folder: string, module: string): string | undefined {
  const path = join(root, 'hack', 'toolchain', 'go', folder, 'go.mod');
  if (!existsSync(path)) return undefined;
  const line = readFileSync(path, 'utf8').match(new RegExp(`^(?:require)?\\s*${RegExp.escape(module)} v(\\S+)`, 'm'));
  return line?.[1];
}
