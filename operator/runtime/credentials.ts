import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { ConnectionOptions } from 'node:tls';
import type { KubeConfig } from '@kubernetes/client-node';

/** Where the cluster's address and the user's credentials come from. */
export type KubeconfigSource = KubeConfig | { path?: string; context?: string };

/** How to reach one API server as one user. */
export interface Credentials {
  server: URL;
  proxyUrl?: string;
  tls: ConnectionOptions;
  /** The headers that authenticate a request; looked up anew at most every 30 s, because tokens rotate. */
  headers(): Promise<Record<string, string>>;
  /** Forgets what was cached: called when the server answers 401. */
  invalidate(): void;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const HEADERS_TTL_MS = 30_000;

/**
 * Resolves credentials: a KubeConfig, a file, or (nothing named) the pod's service account and else the user's default
 * kubeconfig. client-node is loaded only for a kubeconfig: a pod never pays for its 85 MB.
 */
export async function loadCredentials(source: KubeconfigSource): Promise<Credentials> {
  if ('loadFromString' in source) return kubeconfigCredentials(() => Promise.resolve(source));
  if (!source.path && !source.context && !process.env.KUBECONFIG && inCluster()) return podCredentials();
  return kubeconfigCredentials(async () => {
    const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
    const config = new KubeConfig();
    if (source.path) config.loadFromFile(source.path);
    else config.loadFromDefault();
    if (source.context) config.setCurrentContext(source.context);
    return config;
  });
}

function inCluster(): boolean {
  return Boolean(process.env.KUBERNETES_SERVICE_HOST) && existsSync(`${SERVICE_ACCOUNT}/token`);
}

async function podCredentials(): Promise<Credentials> {
  const host = process.env.KUBERNETES_SERVICE_HOST!;
  const port = process.env.KUBERNETES_SERVICE_PORT ?? '443';
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    tls: { ca: await readFile(`${SERVICE_ACCOUNT}/ca.crt`) },
    ...cachedHeaders(async () => {
      const token = await readFile(`${SERVICE_ACCOUNT}/token`, 'utf8');
      return { authorization: `Bearer ${token.trim()}` };
    }),
  };
}

async function kubeconfigCredentials(load: () => Promise<KubeConfig>): Promise<Credentials> {
  let config: KubeConfig | undefined = await load();
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error(`the kubeconfig has no cluster for context "${config.getCurrentContext()}"`);
  const { ca, cert, key, rejectUnauthorized, servername } = await httpsOptions(config);
  const cached = cachedHeaders(async () => {
    config ??= await load();
    const { headers, auth } = await httpsOptions(config);
    return auth ? { ...headers, authorization: `Basic ${Buffer.from(auth).toString('base64')}` } : headers;
  });
  return {
    server: new URL(cluster.server),
    proxyUrl: cluster.proxyUrl,
    tls: definedOnly({ ca, cert, key, rejectUnauthorized, servername }),
    headers: cached.headers,
    invalidate() {
      config = undefined;
      cached.invalidate();
    },
  };
}

interface HttpsOptions extends ConnectionOptions {
  headers: Record<string, string>;
  auth?: string;
}

async function httpsOptions(config: KubeConfig): Promise<HttpsOptions> {
  const options: HttpsOptions = { headers: {} };
  await config.applyToHTTPSOptions(options as Parameters<KubeConfig['applyToHTTPSOptions']>[0]);
  return options;
}

/** TLS options are told apart by presence: `rejectUnauthorized: undefined` would switch verification off. */
function definedOnly(options: ConnectionOptions): ConnectionOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function cachedHeaders(load: () => Promise<Record<string, string>>): Pick<Credentials, 'headers' | 'invalidate'> {
  let cached: { headers: Promise<Record<string, string>>; expires: number } | undefined;
  return {
    headers() {
      if (!cached || performance.now() > cached.expires) {
        const headers = load();
        cached = { headers, expires: performance.now() + HEADERS_TTL_MS };
        headers.catch(() => (cached = undefined));
      }
      return cached.headers;
    },
    invalidate() {
      cached = undefined;
    },
  };
}
