import type { PostgresVersion } from '../api/v1alpha1/index.ts';
import type { ImageName } from './images.ts';
import { hashOf } from '../runtime/hash.ts';
import type { ManagedPostgres, Platform } from './platform.ts';
import { probes, scratch } from './pod.ts';
import { PORTS } from './ports.ts';
import { adminPassword, type StoreDefinition } from './store.ts';

/** The image of each major. */
const IMAGES: Readonly<Record<PostgresVersion, ImageName>> = { '16': 'postgres16', '17': 'postgres' };

const USER = 999;
const DATA = '/var/lib/postgresql/data';

const SETTINGS: Readonly<Record<string, string>> = {
  // A backend whose client was killed gives its locks back at once, not when it next writes to the socket.
  client_connection_check_interval: '1s',
  password_encryption: 'scram-sha-256',
  // An outbox is read up to the oldest running transaction: a forgotten one would hold back every event.
  idle_in_transaction_session_timeout: '60s',
  shared_buffers: '64MB',
};

/**
 * Gives the superuser the password of its Secret, through the server's single-user mode, before anybody can connect: an administrator's
 * Secret that was lost is made anew, and opens the data all the same. The hash beside the data tells that there is nothing to do; data that
 * are yet to be initialised get the password there. Runs in the image of the server, whichever that is.
 */
export const SET_PASSWORD = `set -eu
password=$(cat "$POSTGRES_PASSWORD_FILE")
hash=$(printf %s "$password" | sha256sum)
known="$PGDATA.password.sha256"
[ "$(cat "$known" 2> /dev/null)" != "$hash" ] || exit 0
if [ -f "$PGDATA/PG_VERSION" ]; then
  printf "ALTER ROLE postgres PASSWORD '%s';\\n" "$(printf %s "$password" | sed "s/'/''/g")" |
    postgres --single -D "$PGDATA" -c password_encryption=scram-sha-256 postgres > /dev/null
  echo 'the password of postgres is that of its Secret now'
fi
printf '%s\\n' "$hash" > "$known"
`;

/**
 * One PostgreSQL, for as much as one machine can do.
 * @param admin what is in the administrator's Secret: another password restarts the pod, which then sets it
 */
export function postgres(
  platform: Platform,
  managed: ManagedPostgres,
  admin: Readonly<Record<string, string>> | undefined,
): StoreDefinition {
  const password = adminPassword(platform, 'postgres');
  const tmp = scratch('tmp', '/tmp');
  const socket = scratch('run', '/var/run/postgresql', '1Mi');
  // Over TCP: while the image initialises its data, a temporary server listens on the socket.
  const isReady = {
    exec: { command: ['pg_isready', '--host=127.0.0.1', `--port=${PORTS.postgres}`, '--username=postgres'] },
  };
  const env = [
    { name: 'POSTGRES_USER', value: 'postgres' },
    { name: 'POSTGRES_PASSWORD_FILE', value: password.file },
    // Not the mount itself, which may hold a lost+found.
    { name: 'PGDATA', value: `${DATA}/pgdata` },
  ];
  const resources = { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } };
  const volumeMounts = [tmp.mount, socket.mount, password.mount];
  return {
    component: 'postgres',
    role: 'store',
    managed,
    dataPath: DATA,
    user: USER,
    terminationGracePeriodSeconds: 60,
    ports: [{ name: 'postgres', port: PORTS.postgres }],
    container: {
      name: 'postgres',
      image: platform.images[IMAGES[managed.version]],
      args: ['postgres', ...Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      env,
      ...probes({ startup: isReady, readiness: isReady, liveness: { tcpSocket: { port: 'postgres' } } }),
      resources,
      volumeMounts,
    },
    prepare: {
      name: 'set-password',
      image: platform.images[IMAGES[managed.version]],
      command: ['sh', '-c', SET_PASSWORD],
      env,
      resources,
      volumeMounts,
    },
    configHash: hashOf(admin?.password ?? null),
    volumes: [tmp.volume, socket.volume, password.volume],
  };
}
