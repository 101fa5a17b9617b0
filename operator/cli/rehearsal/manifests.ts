/** What a user would apply: read from files, and checked as the API server would. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseAllDocuments } from 'yaml';
import type { z } from 'zod';
import { KINDS, migrationSpec, orderPlatformSpec, seedJobSpec } from '../../api/v1alpha1/index.ts';
import { MAX_PLATFORM_NAME } from '../../api/v1alpha1/fields.ts';
import { describeIssues } from '../../controllers/invalid.ts';
import { isMap } from '../../runtime/compare.ts';
import type { KubeObject } from '../../runtime/resource.ts';

const SCHEMAS: Readonly<Record<string, z.ZodType>> = {
  OrderPlatform: orderPlatformSpec,
  Migration: migrationSpec,
  SeedJob: seedJobSpec,
};

/** Every object of the files named: YAML of any number of documents; a folder for all in it; `-` for standard input. */
export async function readManifests(paths: readonly string[], namespace: string): Promise<KubeObject[]> {
  const texts = await Promise.all(paths.map(readTexts));
  const objects = texts.flat().flatMap(({ path, content }) => parse(path, content));
  return objects.map((object) => ({ ...object, metadata: { namespace, ...object.metadata } }));
}

async function readTexts(path: string): Promise<{ path: string; content: string }[]> {
  if (path === '-') return [{ path: 'standard input', content: await text(process.stdin) }];
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory();
  const names = isFolder ? (await readdir(path)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort() : undefined;
  const files = names?.map((name) => join(path, name)) ?? [path];
  return Promise.all(files.map(async (file) => ({ path: file, content: await readFile(file, 'utf8') })));
}

function parse(path: string, content: string): KubeObject[] {
  return parseAllDocuments(content).flatMap((document) => {
    if (document.errors[0]) throw new Error(`${path}: ${document.errors[0].message}`);
    const object = document.toJS() as (KubeObject & { items?: KubeObject[] }) | null;
    if (object === null) return [];
    if (Array.isArray(object.items)) return object.items;
    if (!object.apiVersion || !object.kind || !object.metadata?.name)
      throw new Error(`${path}: a document has no apiVersion, kind or metadata.name, so it is no Kubernetes object`);
    return [object];
  });
}

/** Throws with everything that is wrong with the operator's own kinds among the objects, in the API server's words where it has such. */
export function refuseInvalid(objects: readonly KubeObject[]): void {
  const faults = objects.flatMap((object) =>
    faultsOf(object).map((fault) => `${object.kind} "${object.metadata.name}" is invalid: ${fault}`),
  );
  if (faults.length > 0) throw new Error(faults.join('\n  '));
}

function faultsOf(object: KubeObject): string[] {
  const schema = SCHEMAS[object.kind ?? ''];
  if (!schema || !object.apiVersion?.startsWith('orderplane.dev/')) return [];
  const { spec } = object as { spec?: unknown };
  if (spec === undefined) return ['spec: Required value'];
  const parsed = schema.safeParse(spec);
  return [
    ...nameFaults(object),
    ...(parsed.success ? unknownFields(spec, parsed.data, 'spec') : [describeIssues(parsed.error)]),
  ];
}

/** The rules on names, which the API server has in CEL. */
function nameFaults({ kind, metadata: { name } }: KubeObject): string[] {
  if (kind !== 'OrderPlatform') return [];
  const [letters, length] = KINDS.OrderPlatform.rules.map(({ message }) => message);
  return [
    ...(/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name) ? [] : [letters ?? '']),
    ...(name.length <= MAX_PLATFORM_NAME ? [] : [length ?? '']),
  ];
}

/** `kubectl apply` refuses these; the schemas drop them. */
function unknownFields(given: unknown, known: unknown, path: string): string[] {
  if (Array.isArray(given) && Array.isArray(known)) {
    return given.flatMap((each, i) => unknownFields(each, known[i], `${path}[${i}]`));
  }
  if (!isMap(given) || !isMap(known)) return [];
  return Object.entries(given).flatMap(([name, value]) =>
    name in known
      ? unknownFields(value, known[name], `${path}.${name}`)
      : [`strict decoding error: unknown field "${path}.${name}"`],
  );
}
