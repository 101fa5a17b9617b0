import { hashOf } from '../runtime/hash.ts';
import type { Secret } from '../runtime/known-resources.ts';
import { ownedMetadata } from './labels.ts';
import { natsConfigSecretName } from './names.ts';
import { natsConfig, type NatsUser } from './nats-config.ts';
import type { ManagedStore, Platform } from './platform.ts';
import { probes, NONROOT } from './pod.ts';
import { PORTS } from './ports.ts';
import type { StoreDefinition } from './store.ts';

const CONFIG = '/etc/nats';

/** The Secret with the server's configuration, which holds every user's password. Derived from the credentials, so it goes with the platform. */
export function natsConfigSecret(platform: Platform, users: readonly NatsUser[]): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: ownedMetadata(platform, natsConfigSecretName(platform.name), 'nats', 'broker'),
    type: 'Opaque',
    data: { 'nats.conf': Buffer.from(natsConfig(users)).toString('base64') },
  };
}

/**
 * One NATS server with JetStream.
 * @param admin what is in the administrator's Secret: users come and go while the server runs, but a lost password restarts it
 */
export function nats(
  platform: Platform,
  managed: ManagedStore,
  admin: Readonly<Record<string, string>> | undefined,
): StoreDefinition {
  const health = (query = '') => ({ httpGet: { path: `/healthz${query}`, port: 'monitoring' } });
  return {
    component: 'nats',
    role: 'broker',
    managed,
    dataPath: '/data',
    user: NONROOT,
    configHash: hashOf([natsConfig([]), admin?.password ?? null]),
    terminationGracePeriodSeconds: 30,
    ports: [
      { name: 'nats', port: PORTS.nats },
      { name: 'monitoring', port: PORTS.natsMonitoring },
    ],
    container: {
      name: 'nats',
      image: platform.images.nats,
      command: ['nats-server', '-c', `${CONFIG}/nats.conf`],
      ...probes({
        startup: health(),
        readiness: health('?js-server-only=true'),
        liveness: health('?js-enabled-only=true'),
      }),
      resources: { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '256Mi' } },
      volumeMounts: [{ name: 'config', mountPath: CONFIG, readOnly: true }],
    },
    volumes: [{ name: 'config', secret: { secretName: natsConfigSecretName(platform.name), defaultMode: 0o440 } }],
  };
}
