import { access, mkdir, open, readFile, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { Document, isMap, isSeq, parseDocument, type YAMLSeq } from 'yaml';
import type { Kubeconfig } from './control-plane.ts';

const LISTS = ['clusters', 'users', 'contexts'] as const;
const LOCK_TIMEOUT_MS = 10_000;

/** The file that kubectl writes to: the first one of `$KUBECONFIG`, else `~/.kube/config`. */
export function userKubeconfigPath(env: NodeJS.ProcessEnv = process.env): string {
  const [first] = (env['KUBECONFIG'] ?? '').split(delimiter).filter((path) => path !== '');
  return first ?? join(homedir(), '.kube', 'config');
}

/** Adds the cluster to the text of a kubeconfig and makes it the current context; everything else stays as it is, comments included. */
export function mergeKubeconfig(text: string, added: Kubeconfig): string {
  const document = parse(text);
  for (const list of LISTS) {
    const entries = listIn(document, list);
    for (const entry of added[list]) {
      const index = entries.items.findIndex((item) => nameOf(item) === entry.name);
      if (index < 0) entries.add(document.createNode(entry));
      else if (!isDeepStrictEqual(toJs(entries.items[index]), entry)) entries.items[index] = document.createNode(entry);
    }
  }
  if (document.get('current-context') !== added['current-context'])
    document.set('current-context', added['current-context']);
  return document.toString();
}

/** Removes what `mergeKubeconfig` added under that name. undefined when nothing is left that anybody could want. */
export function removeFromKubeconfig(text: string, name: string): string | undefined {
  const document = parse(text);
  let left = 0;
  for (const list of LISTS) {
    const entries = listIn(document, list);
    entries.items = entries.items.filter((item) => nameOf(item) !== name);
    left += entries.items.length;
  }
  if (left === 0) return undefined;
  if (document.get('current-context') === name) document.set('current-context', '');
  return document.toString();
}

function parse(text: string): Document {
  const document = parseDocument(text) as Document;
  if (document.errors.length > 0) throw new Error(`the kubeconfig is not valid YAML: ${document.errors[0]?.message}`);
  return isMap(document.contents) ? document : new Document({ apiVersion: 'v1', kind: 'Config' });
}

function listIn(document: Document, name: string): YAMLSeq {
  const list = document.get(name);
  if (isSeq(list)) return list;
  const empty = document.createNode([]);
  document.set(name, empty);
  return empty;
}

function nameOf(item: unknown): unknown {
  return isMap(item) ? item.get('name') : undefined;
}

function toJs(item: unknown): unknown {
  return isMap(item) ? item.toJSON() : item;
}

/** Changes a kubeconfig file while holding the lock that kubectl takes too. `change` returns the new text, undefined for no file. */
export async function updateKubeconfigFile(name: string, change: (text: string) => string | undefined): Promise<void> {
  await mkdir(dirname(name), { recursive: true });
  // Often a link to a file that is kept elsewhere: that file is replaced, not the link.
  const path = await realpath(name).catch(() => name);
  await withKubectlLock(path, async () => {
    const before = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return '';
      throw error;
    });
    const after = change(before);
    if (after === before) return;
    if (after === undefined) return rm(path, { force: true });
    const draft = `${path}.orderplane-${process.pid}`;
    await writeFile(draft, after, { mode: 0o600 });
    await rename(draft, path);
  });
}

async function withKubectlLock(path: string, work: () => Promise<void>): Promise<void> {
  const lock = `${path}.lock`;
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  for (;;) {
    try {
      await (await open(lock, 'wx', 0o600)).close();
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      if (Date.now() > deadline)
        throw new Error(`${lock} is held by another program: remove it if none runs`, { cause: error });
      await delay(50);
    }
  }
  try {
    await work();
  } finally {
    await rm(lock, { force: true });
  }
}

/** Whether there is such a file at all: `down` must not make one. */
export function kubeconfigExists(path: string): Promise<boolean> {
  return access(path).then(() => true, () => false); // prettier-ignore
}
