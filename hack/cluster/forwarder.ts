import { connect, createServer, type Socket } from 'node:net';
import type { Client } from '@orderplane/operator/runtime/client.ts';
import { Services } from '@orderplane/operator/runtime/known-resources.ts';
import type { Forward } from './config.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/** Listens on a port of localhost and joins each connection to the Service as it is at that moment. */
export async function startForward(forward: Forward, client: Client): Promise<void> {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    join(socket, forward, client).catch((error: unknown) => refuse(socket, forward, error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ port: forward.listen, host: '127.0.0.1' }, resolve);
  });
}

async function join(socket: Socket, forward: Forward, client: Client): Promise<void> {
  const signal = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
  const service = await client.get(Services, { namespace: forward.namespace, name: forward.service }, { signal });
  const address = service?.spec?.clusterIP;
  if (!address || address === 'None') throw new Error('there is no such Service yet');
  const upstream = connect({ host: address, port: forward.port, allowHalfOpen: true });
  await new Promise<void>((resolve, reject) => {
    upstream.once('connect', resolve).once('error', reject);
    upstream.setTimeout(CONNECT_TIMEOUT_MS, () => upstream.destroy(new Error('it does not answer')));
  });
  upstream.setTimeout(0);
  upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy());
  socket.on('close', () => upstream.destroy());
  socket.pipe(upstream).pipe(socket);
}

/** Both forwarded Services speak HTTP, so the reason is given as an answer that a browser shows. */
function refuse(socket: Socket, { namespace, service, port }: Forward, error: unknown): void {
  const reason =
    (error as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'none of its pods is ready' : (error as Error).message;
  const body = `${service}:${port} in namespace ${namespace} cannot be reached: ${reason}\n`;
  socket.resume();
  socket.end(
    'HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\nretry-after: 2\r\nconnection: close\r\n' +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
