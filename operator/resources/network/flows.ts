/** Who talks to whom on which port: the one list that every NetworkPolicy is made from. */
import { secretValue } from '../credentials.ts';
import { foreignLogins } from '../connect-job.ts';
import { adminSecretOf, externalOf, isManaged, loginSecretOf } from '../external.ts';
import { type Caller, callersOf } from '../connections.ts';
import type { SecretData } from '../desired.ts';
import type { Role } from '../labels.ts';
import { BACKENDS, type Backend, type StoreName } from '../names.ts';
import type { Platform } from '../platform.ts';
import { isVerifiable } from '../platform-jobs.ts';
import { VERIFIED_PATH } from '../catalogue.ts';
import { PORTS } from '../ports.ts';
import { tracingFlows } from '../tracing.ts';
import { serversOf } from './servers.ts';

/** Pods of the platform that are alike: a store, the broker, a service, or the Jobs of a command. */
export interface Component {
  name: string;
  role: Extract<Role, 'store' | 'broker' | 'service' | 'job'>;
}

export type Peer =
  | { component: Component }
  /** Any pod of the cluster. */
  | { pods: 'all' }
  /** Everything, in the cluster and outside of it. */
  | { world: true }
  /** One address outside of the platform. */
  | { address: string };

export interface Flow {
  from: Peer;
  to: Peer;
  ports: readonly number[];
}

const service = (name: string): Peer => ({ component: { name, role: 'service' } });
const job = (name: string): Peer => ({ component: { name, role: 'job' } });
const backend = (name: Backend): Peer => ({ component: { name, role: name === 'nats' ? 'broker' : 'store' } });

/** Every connection that a platform needs, DNS and the probes of the kubelet aside. */
export function flowsOf(platform: Platform, secrets: SecretData): Flow[] {
  return [
    ...callersOf(platform).flatMap((each) => serviceFlows(platform, each, secrets)),
    ...storeJobFlows(platform, secrets),
    ...connectFlows(platform, secrets),
    ...(platform.broker?.managed ? [{ from: job('provision'), to: backend('nats'), ports: [PORTS.nats] }] : []),
    ...verificationFlows(platform),
    ...edgeFlows(platform),
    ...tracingFlows(platform),
  ];
}

function serviceFlows(platform: Platform, { name, connections }: Caller, secrets: SecretData) {
  const called = platform.services.filter(
    (other) => connections.services.includes(other.name) && other.port !== undefined,
  );
  return [
    ...called.map((other) => ({ from: service(name), to: service(other.name), ports: [other.port as number] })),
    ...connections.backends.flatMap((kind) =>
      backendFlows(platform, service(name), kind, secrets[loginSecretOf(platform, name, kind)]),
    ),
  ];
}

/** A managed backend is a pod of the platform; an external one is wherever its URI says. */
function backendFlows(platform: Platform, from: Peer, kind: Backend, secret: SecretData[string] | undefined): Flow[] {
  if (isManaged(platform, kind)) return [{ from, to: backend(kind), ports: [PORTS[kind]] }];
  const uri = secretValue({ data: { ...secret } }, 'uri');
  return uri ? serversOf(uri).map(({ peer, port }) => ({ from, to: peer, ports: [port] })) : [];
}

/** Migrations and seeds name the platform by themselves, so that any store with databases may be theirs. */
function storeJobFlows(platform: Platform, secrets: SecretData): Flow[] {
  return (Object.keys(platform.stores) as StoreName[]).flatMap((store) =>
    (store === 'redis' ? ['provision'] : ['provision', 'migrate', 'seed']).flatMap((command) =>
      backendFlows(platform, job(command), store, secrets[adminSecretOf(platform, store)]),
    ),
  );
}

/** What finds whether an external server can be used connects as everybody who will. */
function connectFlows(platform: Platform, secrets: SecretData): Flow[] {
  return BACKENDS.filter((kind) => externalOf(platform, kind)).flatMap((kind) =>
    foreignLogins(platform, kind).flatMap(({ secret }) =>
      backendFlows(platform, job('connect'), kind, secrets[secret]),
    ),
  );
}

function verificationFlows(platform: Platform): Flow[] {
  if (!isVerifiable(platform)) return [];
  const port = platform.services.find(({ name }) => name === VERIFIED_PATH.entry)?.port;
  return [
    ...(port === undefined ? [] : [{ from: job('verify'), to: service(VERIFIED_PATH.entry), ports: [port] }]),
    ...(platform.broker?.managed ? [{ from: job('verify'), to: backend('nats'), ports: [PORTS.natsMonitoring] }] : []),
  ];
}

/**
 * What the Ingress leads to is open to the world: the controller may be a pod of any namespace or a process of a node, and what the
 * world may ask it for anyway needs no further guard.
 */
function edgeFlows({ services, ingress, metrics }: Platform): Flow[] {
  return services.flatMap(({ name, port, routes, managementPort }) => [
    ...(ingress && routes.length > 0 && port !== undefined
      ? [{ from: { world: true } as const, to: service(name), ports: [port] }]
      : []),
    ...(metrics && managementPort !== undefined
      ? [{ from: { pods: 'all' } as const, to: service(name), ports: [managementPort] }]
      : []),
  ]);
}
