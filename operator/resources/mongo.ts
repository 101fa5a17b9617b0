import type { ManagedStore, Platform } from './platform.ts';
import { probes, scratch } from './pod.ts';
import { PORTS } from './ports.ts';
import { adminPassword, type StoreDefinition } from './store.ts';

const USER = 999;

/** One MongoDB, for as much as one machine can do. */
export function mongo(platform: Platform, managed: ManagedStore): StoreDefinition {
  const password = adminPassword(platform, 'mongo');
  const tmp = scratch('tmp', '/tmp');
  // While the image makes its first user, a temporary server listens on localhost only, which this does not reach.
  const listens = { tcpSocket: { port: 'mongo' } };
  return {
    component: 'mongo',
    role: 'store',
    managed,
    dataPath: '/data/db',
    user: USER,
    terminationGracePeriodSeconds: 60,
    ports: [{ name: 'mongo', port: PORTS.mongo }],
    container: {
      name: 'mongo',
      image: platform.images.mongo,
      args: ['mongod', '--bind_ip_all'],
      env: [
        { name: 'MONGO_INITDB_ROOT_USERNAME', value: 'root' },
        { name: 'MONGO_INITDB_ROOT_PASSWORD_FILE', value: password.file },
      ],
      ...probes({ startup: listens, readiness: listens, liveness: listens }),
      resources: { requests: { cpu: '50m', memory: '256Mi' }, limits: { memory: '1Gi' } },
      volumeMounts: [tmp.mount, password.mount],
    },
    volumes: [tmp.volume, password.volume],
  };
}
