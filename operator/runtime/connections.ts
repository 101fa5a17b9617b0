import { isDeepStrictEqual } from 'node:util';
import { Agent, ProxyAgent, type Dispatcher } from 'undici';
import type { Access, Credentials } from './credentials.ts';

/** What a request is sent with. */
export interface Connection {
  /** Shared connections for requests that are answered at once. */
  pool: Dispatcher;
  /** A connection for each stream. */
  streams: Dispatcher;
  headers: Record<string, string>;
}

export interface Connections {
  /** Connections made with the certificates of now: those of older ones are given up. */
  current(): Promise<Connection>;
  close(): Promise<void>;
}

/**
 * HTTP/1.1 on purpose: HTTP/2 gave no more applies a second here, puts every request behind one connection that may go silent,
 * and undici 8.12 raises unhandled errors when a session with aborted streams ends.
 */
const CONNECTIONS = 16;
const TCP_KEEPALIVE_MS = 30_000;
const IDLE_MS = 60_000;

export function createConnections(credentials: Credentials): Connections {
  let open: { tls: Access['tls']; pool: Dispatcher; streams: Dispatcher } | undefined;
  let closed = false;

  function connect(tls: Access['tls']) {
    return { tls, pool: createPool(credentials, tls, CONNECTIONS), streams: createPool(credentials, tls, null) };
  }

  return {
    async current() {
      const { tls, headers } = await credentials.current();
      if (closed) throw new Error('the client is closed');
      if (open && open.tls !== tls) {
        if (isDeepStrictEqual(open.tls, tls)) open.tls = tls;
        else {
          retire(open);
          open = undefined;
        }
      }
      open ??= connect(tls);
      return { pool: open.pool, streams: open.streams, headers };
    },
    async close() {
      closed = true;
      await Promise.all([open?.pool.destroy(), open?.streams.destroy()]);
    },
  };
}

/** Requests under way finish; watches break, because the server checks who watches only when a watch starts. */
function retire({ pool, streams }: { pool: Dispatcher; streams: Dispatcher }): void {
  const ignore = () => {};
  pool.close().catch(ignore);
  streams.destroy(new Error('the certificates changed')).catch(ignore);
}

function createPool(credentials: Credentials, tls: Access['tls'], connections: number | null): Dispatcher {
  const connect = { ...tls, keepAlive: true, keepAliveInitialDelay: TCP_KEEPALIVE_MS };
  const shared = { connections, allowH2: false, keepAliveTimeout: IDLE_MS };
  if (!credentials.proxyUrl) return new Agent({ ...shared, connect });
  if (!credentials.proxyUrl.startsWith('http'))
    throw new Error(`unsupported proxy-url ${credentials.proxyUrl}: only http and https`);
  return new ProxyAgent({ ...shared, uri: credentials.proxyUrl, requestTls: connect });
}
