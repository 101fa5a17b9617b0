/** Ways from this machine to the Services of a cluster. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import {
  isConditionTrue,
  Pods,
  Services,
  type Client,
  type ObjectKey,
  type Pod,
  type Service,
} from '@orderplane/operator/runtime/index.ts';
import type { PortForward } from '@kubernetes/client-node';

export interface Address {
  host: string;
  port: number;
}

/** Makes a port of a Service reachable from here; undefined when there is no such Service. */
export type Reach = (service: ObjectKey, port: number) => Promise<Address | undefined>;

export interface ReachOptions {
  client: Client;
  kubeconfig: { path: string; context: string };
  /** Whether Service addresses are routed to this machine, as the embedded node's are. */
  routed: boolean;
  signal: AbortSignal;
}

const DIRECT_TIMEOUT_MS = 500;

/** Direct where Service addresses are routed here, else through the API server; each port is forwarded once. */
export function createReach({ client, kubeconfig, routed, signal }: ReachOptions): Reach {
  const known = new Map<string, Promise<Address | undefined>>();
  let forwarder: Promise<PortForward> | undefined;
  const reach = async (key: ObjectKey, port: number): Promise<Address | undefined> => {
    const service = await client.get(Services, key);
    if (!service) return undefined;
    const direct = { host: service.spec?.clusterIP ?? '', port };
    if (routed && (await accepts(direct))) return direct;
    forwarder ??= loadForwarder(kubeconfig);
    return forward(await forwarder, client, service, port, signal);
  };
  return (key, port) => {
    const id = `${key.namespace}/${key.name}:${port}`;
    const found = known.get(id) ?? reach(key, port);
    known.set(id, found);
    return found;
  };
}

async function loadForwarder({ path, context }: ReachOptions['kubeconfig']): Promise<PortForward> {
  const { KubeConfig, PortForward: Forward } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromFile(path);
  config.setCurrentContext(context);
  return new Forward(config);
}

/** Every connection is forwarded to a pod that is ready at that moment, so that a replaced pod ends no development session. */
async function forward(
  forwarder: PortForward,
  client: Client,
  service: Service,
  port: number,
  signal: AbortSignal,
): Promise<Address> {
  const server = createServer((socket) => {
    void forwardConnection(forwarder, client, service, port, socket).catch((error: unknown) => {
      console.error(`! ${service.metadata.name}:${port}: ${error instanceof Error ? error.message : String(error)}`);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  signal.addEventListener('abort', () => server.close(), { once: true });
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

async function forwardConnection(
  forwarder: PortForward,
  client: Client,
  service: Service,
  port: number,
  socket: Socket,
): Promise<void> {
  socket.on('error', () => socket.destroy());
  const { namespace = '', name } = service.metadata;
  const labelSelector = Object.entries(service.spec?.selector ?? {}).map(([label, value]) => `${label}=${value}`);
  const { items } = await client.list(Pods, { namespace, labelSelector: labelSelector.join(',') });
  const pod = items.find(isReady);
  if (!pod) throw new Error(`no pod of Service ${namespace}/${name} is ready`);
  const upstream = await forwarder.portForward(
    namespace,
    pod.metadata.name,
    [targetPort(service, pod, port)],
    socket,
    null,
    socket,
  );
  const webSocket = typeof upstream === 'function' ? upstream() : upstream;
  if (!webSocket) throw new Error('the API server did not open the connection');
  webSocket.onclose = () => void socket.end();
  socket.once('close', () => webSocket.close());
}

const isReady = ({ status }: Pod): boolean => isConditionTrue(status?.conditions, 'Ready');

function targetPort(service: Service, pod: Pod, port: number): number {
  const target = service.spec?.ports?.find((candidate) => candidate.port === port)?.targetPort ?? port;
  if (typeof target === 'number') return target;
  const ports = pod.spec?.containers.flatMap((container) => container.ports ?? []) ?? [];
  return ports.find(({ name }) => name === target)?.containerPort ?? port;
}

function accepts(address: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, timeout: DIRECT_TIMEOUT_MS });
    const settle = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
    socket.once('timeout', () => settle(false));
  });
}
