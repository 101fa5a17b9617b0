import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import type { KubeConfig } from '@kubernetes/client-node';
import { realClock, type Clock } from './clock.ts';

/** Where the cluster's address and the user's credentials come from. */
export type KubeconfigSource = KubeConfig | { path?: string; context?: string };

/** How to reach one API server as one user. */
export interface Credentials {
  server: URL;
  proxyUrl?: string;
  /** What authenticates; looked up anew at most every 30 s, because tokens and certificates rotate. */
  current(): Promise<Access>;
  /** Forgets what was cached: called when the server, or this side of TLS, refuses. */
  invalidate(): void;
}

export interface Access {
  headers: Record<string, string>;
  tls: ConnectionOptions;
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const ACCESS_TTL_MS = 30_000;

export interface CredentialsOptions {
  clock?: Clock;
  /** Where a pod finds `token`, `ca.crt` and `namespace`. */
  serviceAccount?: string;
}

/**
 * Resolves credentials: a KubeConfig, a file, or (nothing named) the pod's service account and else the user's default
 * kubeconfig. client-node is loaded only for a kubeconfig: a pod never pays for its 85 MB.
 */
export async function loadCredentials(
  source: KubeconfigSource,
  options: CredentialsOptions = {},
): Promise<Credentials> {
  const { clock = realClock, serviceAccount = SERVICE_ACCOUNT } = options;
  if ('loadFromString' in source) return kubeconfigCredentials(clock, () => Promise.resolve(source));
  if (!source.path && !source.context && !process.env.KUBECONFIG && isInCluster(serviceAccount))
    return podCredentials(clock, serviceAccount);
  return kubeconfigCredentials(clock, async () => {
    const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
    const config = new KubeConfig();
    if (source.path) config.loadFromFile(source.path);
    else config.loadFromDefault();
    if (source.context) config.setCurrentContext(source.context);
    return config;
  });
}

/** Whether this process runs in a pod that has a service account's token. */
export function isInCluster(serviceAccount = SERVICE_ACCOUNT): boolean {
  return Boolean(process.env.KUBERNETES_SERVICE_HOST) && existsSync(join(serviceAccount, 'token'));
}

function podCredentials(clock: Clock, serviceAccount: string): Credentials {
  const host = process.env.KUBERNETES_SERVICE_HOST!;
  const port = process.env.KUBERNETES_SERVICE_PORT ?? '443';
  return {
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    ...cachedAccess(clock, async () => {
      const [token, ca] = await Promise.all([
        readFile(join(serviceAccount, 'token'), 'utf8'),
        readFile(join(serviceAccount, 'ca.crt')),
      ]);
      return { headers: { authorization: `Bearer ${token.trim()}` }, tls: { ca } };
    }),
  };
}

async function kubeconfigCredentials(clock: Clock, load: () => Promise<KubeConfig>): Promise<Credentials> {
  let config: KubeConfig | undefined = await load();
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error(`the kubeconfig has no cluster for context "${config.getCurrentContext()}"`);
  const cached = cachedAccess(clock, async () => {
    config ??= await load();
    const { headers, auth, ca, cert, key, rejectUnauthorized, servername } = await httpsOptions(config);
    if (auth) headers.authorization = `Basic ${Buffer.from(auth).toString('base64')}`;
    return { headers, tls: definedOnly({ ca, cert, key, rejectUnauthorized, servername }) };
  });
  return {
    server: new URL(cluster.server),
    proxyUrl: cluster.proxyUrl,
    current: cached.current,
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

/** Reads the files that the kubeconfig names anew, and asks its command where it has one. */
async function httpsOptions(config: KubeConfig): Promise<HttpsOptions> {
  const options: HttpsOptions = { headers: {} };
  await config.applyToHTTPSOptions(options as Parameters<KubeConfig['applyToHTTPSOptions']>[0]);
  return options;
}

/** TLS options are told apart by presence: `rejectUnauthorized: undefined` would switch verification off. */
function definedOnly(options: ConnectionOptions): ConnectionOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** While a file is being replaced, what was read last is still the best there is. */
function cachedAccess(clock: Clock, load: () => Promise<Access>): Pick<Credentials, 'current' | 'invalidate'> {
  let cached: { access: Promise<Access>; expires: number } | undefined;
  let last: Access | undefined;
  return {
    current() {
      if (cached && clock.elapsed() <= cached.expires) return cached.access;
      const access = load().then(
        (read) => (last = read),
        (error: unknown) => {
          cached = undefined;
          if (last) return last;
          throw error;
        },
      );
      cached = { access, expires: clock.elapsed() + ACCESS_TTL_MS };
      return access;
    },
    invalidate() {
      cached = undefined;
    },
  };
}
