import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** Something that must hold before the process counts as ready. */
export interface ReadinessCheck {
  name: string;
  ready: () => boolean;
}

export interface ManagementServer {
  /** Starts to listen; resolves to the port. */
  listen(port: number, host?: string): Promise<number>;
  close(): Promise<void>;
}

/** Serves /livez, /readyz (503 with the names of what is not ready) and /metrics. */
export function createManagementServer(options: {
  registry: Registry;
  checks: () => ReadinessCheck[];
}): ManagementServer {
  const { registry, checks } = options;
  const answer = async (path: string): Promise<{ status: number; body: string; type?: string }> => {
    if (path === '/livez') return { status: 200, body: 'ok\n' };
    if (path === '/metrics') return { status: 200, body: await registry.metrics(), type: registry.contentType };
    if (path !== '/readyz') return { status: 404, body: 'not found\n' };
    const waiting = checks().filter((check) => !check.ready());
    if (waiting.length === 0) return { status: 200, body: 'ok\n' };
    return { status: 503, body: waiting.map((check) => `not ready: ${check.name}\n`).join('') };
  };
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0]!;
    answer(path).then(
      ({ status, body, type = 'text/plain; charset=utf-8' }) =>
        response.writeHead(status, { 'content-type': type }).end(body),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  return {
    listen: (port, host) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => resolve((server.address() as AddressInfo).port));
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
