/** How a command gets to a platform's gateway, and who it is there. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { SignJWT } from 'jose';
import { secretValue } from '../../resources/credentials.ts';
import { NAME_LABEL, PLATFORM_LABEL } from '../../resources/labels.ts';
import { verificationSecretName } from '../../resources/names.ts';
import { isConditionTrue } from '../../runtime/conditions.ts';
import type { KubeconfigSource } from '../../runtime/credentials.ts';
import { Pods, Secrets, type Pod } from '../../runtime/known-resources.ts';
import { firstAnswer, type ClusterAccess } from '../cluster.ts';

const TOKEN_LIFETIME = '1m';
const GATEWAY = 'gateway';

/** A token that the gateway takes for reading any order's trace, and for nothing else. */
export async function traceToken({ client, namespace }: ClusterAccess, platform: string): Promise<string> {
  const name = verificationSecretName(platform);
  const key = secretValue(await client.get(Secrets, { namespace, name }, firstAnswer()), 'key');
  if (!key)
    throw new Error(
      `there is no Secret ${name} with a key in namespace ${namespace}: the operator makes it for a platform with the service gateway`,
    );
  return new SignJWT({ scope: 'trace' })
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('orderplane-operator')
    .setAudience('gateway')
    .setIssuedAt()
    .setExpirationTime(TOKEN_LIFETIME)
    .sign(new TextEncoder().encode(key));
}

/**
 * Runs `work` with an address of this machine that leads to a pod of the gateway, through the API server. Its proxy for HTTP would not do: it
 * takes the header Authorization for its own.
 */
export async function withGateway<T>(
  cluster: ClusterAccess,
  platform: string,
  work: (url: string) => Promise<T>,
): Promise<T> {
  const { pod, port } = await gatewayPod(cluster, platform);
  const forward = await forwarder(cluster.source);
  const sockets = new Set<Socket>();
  let fault: Error | undefined;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    forward(pod, port, socket).catch((error: unknown) => {
      fault = error instanceof Error ? error : new Error(String(error));
      socket.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  try {
    return await work(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } catch (error) {
    throw fault ? new Error(`pod ${pod.metadata.name} cannot be reached: ${fault.message}`, { cause: error }) : error;
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

async function gatewayPod({ client, namespace }: ClusterAccess, platform: string): Promise<{ pod: Pod; port: number }> {
  const labelSelector = `${PLATFORM_LABEL}=${platform},${NAME_LABEL}=${GATEWAY}`;
  const { items } = await client.list(Pods, { namespace, labelSelector, ...firstAnswer() });
  const pod = items.find(({ status }) => isConditionTrue(status?.conditions, 'Ready'));
  const port = pod?.spec?.containers[0]?.ports?.find(({ name }) => name === 'http')?.containerPort;
  if (pod && port) return { pod, port };
  const there = items.length > 0 ? 'none of its pods is ready' : 'it has no pods';
  throw new Error(
    `the gateway of platform ${platform} does not run, ${there}: orderplane why ${platform} -n ${namespace}`,
  );
}

async function forwarder(source: KubeconfigSource): Promise<(pod: Pod, port: number, socket: Socket) => Promise<void>> {
  const { KubeConfig, PortForward } = await import('@kubernetes/client-node');
  const config = 'loadFromString' in source ? source : new KubeConfig();
  if (!('loadFromString' in source)) {
    if (source.path) config.loadFromFile(source.path);
    else config.loadFromDefault();
    if (source.context) config.setCurrentContext(source.context);
  }
  const portForward = new PortForward(config);
  return async ({ metadata: { namespace = '', name } }, port, socket) => {
    const opened = await portForward.portForward(namespace, name, [port], socket, null, socket);
    const webSocket = typeof opened === 'function' ? opened() : opened;
    if (!webSocket) throw new Error('the API server did not open the connection');
    webSocket.onclose = () => void socket.end();
    socket.once('close', () => webSocket.close());
  };
}
