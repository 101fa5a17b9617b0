/**
 * Finds a cluster in the user's kubeconfig. Logins by certificate, token or password are read here: client-node, which knows all the others,
 * takes a third of a second to load, and is left for those.
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { KubeConfig } from '@kubernetes/client-node';
import { parse } from 'yaml';
import type { KubeconfigSource } from '../runtime/credentials.ts';

type Fields = Record<string, unknown>;

interface Kubeconfig {
  'current-context'?: string;
  contexts: { name: string; context: { cluster?: string; user?: string; namespace?: string } }[];
  clusters: { name: string; cluster: ClusterFields; folder: string }[];
  users: { name: string; user: Fields; folder: string }[];
}

interface ClusterFields {
  server?: string;
  'certificate-authority'?: string;
  'certificate-authority-data'?: string;
  'insecure-skip-tls-verify'?: boolean;
  'tls-server-name'?: string;
  'proxy-url'?: string;
}

export interface FoundCluster {
  context: string;
  server: string;
  /** The context's own, if it has one. */
  namespace: string | undefined;
  source: KubeconfigSource;
}

/** The cluster of a context, or of the current one; throws with what there is to choose from. */
export async function findCluster(given: { path?: string; context?: string }): Promise<FoundCluster> {
  const config = await readKubeconfig(given.path);
  const name = given.context ?? config['current-context'];
  const found = config.contexts.find((each) => each.name === name);
  if (!name || !found) {
    const fault = name ? `there is no context "${name}"` : 'the kubeconfig has no current context';
    const known = config.contexts.map((each) => each.name);
    throw new Error(`${fault}: ${known.length > 0 ? `choose one of ${known.join(', ')}` : 'the kubeconfig has none'}`);
  }
  const cluster = config.clusters.find((each) => each.name === found.context.cluster);
  const user = config.users.find((each) => each.name === found.context.user);
  const server = cluster?.cluster.server;
  if (!cluster || !server) throw new Error(`context "${name}" has no cluster in the kubeconfig`);
  const { namespace } = found.context;
  const login = user?.user ?? {};
  const source = isPlain(login)
    ? plainSource(name, cluster, { fields: login, folder: user?.folder ?? '' })
    : { ...(given.path && { path: given.path }), context: name };
  return { context: name, server, namespace, source };
}

/** As kubectl does it: the files of $KUBECONFIG together, where the first to say something wins. */
async function readKubeconfig(path: string | undefined): Promise<Kubeconfig> {
  const listed = path ? [path] : (process.env.KUBECONFIG ?? '').split(delimiter).filter(Boolean);
  const paths = listed.length > 0 ? listed : [join(homedir(), '.kube', 'config')];
  const merged: Kubeconfig = { contexts: [], clusters: [], users: [] };
  let files = 0;
  for (const file of paths) {
    const content = await readFile(file, 'utf8').catch((error: unknown) => {
      if (!path && (error as { code?: string }).code === 'ENOENT') return undefined;
      throw new Error(`the kubeconfig cannot be read: ${(error as Error).message}`, { cause: error });
    });
    if (content === undefined) continue;
    files++;
    const config = parsed(file, content);
    const folder = dirname(resolve(file));
    merged['current-context'] ??= config['current-context'];
    merged.contexts.push(...(config.contexts ?? []));
    merged.clusters.push(...(config.clusters ?? []).map((each) => ({ ...each, folder })));
    merged.users.push(...(config.users ?? []).map((each) => ({ ...each, folder })));
  }
  if (files === 0)
    throw new Error(
      `there is no kubeconfig at ${paths.join(', ')}: name one with --kubeconfig, or make a local cluster with \`orderplane up\``,
    );
  return merged;
}

function parsed(file: string, content: string): Partial<Kubeconfig> {
  try {
    return (parse(content) as Partial<Kubeconfig> | null) ?? {};
  } catch (error) {
    throw new Error(`the kubeconfig ${file} is no YAML: ${(error as Error).message}`, { cause: error });
  }
}

const PLAIN = new Set([
  'client-certificate',
  'client-certificate-data',
  'client-key',
  'client-key-data',
  'token',
  'tokenFile',
  'username',
  'password',
]);

function isPlain(login: Fields): boolean {
  return Object.keys(login).every((field) => PLAIN.has(field));
}

/** What the runtime's client asks of a KubeConfig. Files are read anew each time: tokens and certificates rotate. */
function plainSource(
  context: string,
  { cluster, folder }: Kubeconfig['clusters'][number],
  login: { fields: Fields; folder: string },
): KubeconfigSource {
  const { server, 'proxy-url': proxyUrl } = cluster;
  const asked: Pick<KubeConfig, 'getCurrentCluster' | 'getCurrentContext' | 'applyToHTTPSOptions'> = {
    getCurrentContext: () => context,
    getCurrentCluster: () => ({
      name: context,
      server: server ?? '',
      skipTLSVerify: false,
      ...(proxyUrl && { proxyUrl }),
    }),
    async applyToHTTPSOptions(options) {
      const { fields } = login;
      const [ca, cert, key] = await Promise.all([
        content(cluster as Fields, 'certificate-authority', folder),
        content(fields, 'client-certificate', login.folder),
        content(fields, 'client-key', login.folder),
      ]);
      const token = (fields.token ?? (await fileContent(fields.tokenFile, login.folder))?.toString().trim()) as string;
      Object.assign(options, {
        ...(ca && { ca }),
        ...(cert && { cert }),
        ...(key && { key }),
        ...(cluster['insecure-skip-tls-verify'] && { rejectUnauthorized: false }),
        ...(cluster['tls-server-name'] && { servername: cluster['tls-server-name'] }),
        ...(typeof fields.username === 'string' && { auth: `${fields.username}:${fields.password as string}` }),
        headers: { ...options.headers, ...(token && { authorization: `Bearer ${token}` }) },
      });
    },
  };
  return { ...asked, loadFromString: () => {} } as unknown as KubeconfigSource;
}

/** The data of a field, given in base64 or as a path. */
async function content(fields: Fields, field: string, folder: string): Promise<Buffer | undefined> {
  const data = fields[`${field}-data`];
  return typeof data === 'string' ? Buffer.from(data, 'base64') : fileContent(fields[field], folder);
}

async function fileContent(path: unknown, folder: string): Promise<Buffer | undefined> {
  return typeof path === 'string' ? readFile(resolve(folder, path)) : undefined;
}
