import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineResource, type Client, type KubeObject, type Resource } from '@orderplane/operator/runtime/index.ts';
import { parseAllDocuments } from 'yaml';

/** Who `kubectl apply --server-side` would be: what a person applies stays theirs. */
const FIELD_MANAGER = 'orderplane-cli';

/** Every object in the YAML files of a folder, in the order of the files' names, as `kubectl apply -f` takes them. */
export async function readManifests(folder: string): Promise<KubeObject[]> {
  const files = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).toSorted();
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.flatMap(parseManifests);
}

/** The objects of a YAML text of any number of documents; throws on a syntax error, with its line. */
function parseManifests(text: string): KubeObject[] {
  return parseAllDocuments(text).flatMap((document) => {
    if (document.errors[0]) throw document.errors[0];
    const object = document.toJS() as KubeObject | null;
    return object === null ? [] : [object];
  });
}

/** Applies objects one after the other. What is refused throws with the API server's own message. */
export async function applyManifests(
  client: Client,
  objects: readonly KubeObject[],
  signal?: AbortSignal,
): Promise<void> {
  const resources = resourceFinder(client);
  for (const object of objects) {
    await client.apply(await resources(object), object, { fieldManager: FIELD_MANAGER, signal });
  }
}

/** Finds out from the API server how the kind of an object is served. */
export function resourceFinder(client: Client): (object: KubeObject) => Promise<Resource> {
  const known = new Map<string, Promise<readonly ServedResource[]>>();
  return async ({ apiVersion = 'v1', kind = '', metadata }) => {
    const path = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
    const served =
      known.get(path) ??
      client.raw(path).then((text) => (JSON.parse(text) as { resources: ServedResource[] }).resources);
    known.set(path, served);
    const found = (await served).find((resource) => resource.kind === kind && !resource.name.includes('/'));
    if (!found) throw new Error(`${kind} ${metadata.name}: the API server has no kind ${kind} in ${apiVersion}`);
    return defineResource(apiVersion, kind, found.name, { namespaced: found.namespaced });
  };
}

interface ServedResource {
  name: string;
  kind: string;
  namespaced: boolean;
}
