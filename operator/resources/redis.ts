import { hashOf } from '../runtime/hash.ts';
import { parseQuantity } from '../runtime/quantity.ts';
import type { ManagedStore, Platform } from './platform.ts';
import { probes, scratch, withResources } from './pod.ts';
import { PORTS } from './ports.ts';
import { adminPassword, type StoreDefinition } from './store.ts';

const USER = 999;
const DATA = '/data';
const USERS = `${DATA}/users.acl`;
/** Anybody may log in as this user, and ask whether the server answers: nothing else. */
const PROBE = 'probe';

const RESOURCES = { requests: { cpu: '20m', memory: '32Mi' }, limits: { memory: '256Mi' } };

/**
 * Gives the administrator the password of its Secret, before the server reads its users: an administrator's Secret that was lost is made
 * anew, and opens the data all the same. The users of the services stay. Killed at any point, the file is the old one or the new one.
 */
export const SET_ADMINISTRATOR = `set -eu
hash=$(printf %s "$(cat "$ADMIN_PASSWORD_FILE")" | sha256sum | cut -d ' ' -f 1)
{
  printf 'user default on #%s ~* &* +@all\\n' "$hash"
  echo 'user ${PROBE} on nopass resetkeys resetchannels -@all +ping'
  if [ -f "$USERS" ]; then grep -vE '^user (default|${PROBE}) ' "$USERS" || true; fi
} > "$USERS.new"
sync "$USERS.new"
mv "$USERS.new" "$USERS"
`;

/**
 * One Redis, whose users are in a file on its volume: they are there when it starts again.
 * @param admin what is in the administrator's Secret: another password restarts the pod, which then sets it
 */
export function redis(
  platform: Platform,
  managed: ManagedStore,
  admin: Readonly<Record<string, string>> | undefined,
): StoreDefinition {
  const password = adminPassword(platform, 'redis');
  const tmp = scratch('tmp', '/tmp');
  const isListening = { tcpSocket: { port: 'redis' } };
  const ask = `redis-cli -p ${PORTS.redis} --user ${PROBE} --pass none --no-auth-warning ping`;
  // It answers LOADING until it has read its file.
  const serves = { exec: { command: ['sh', '-c', `[ "$(${ask})" = PONG ]`] } };
  return {
    component: 'redis',
    role: 'store',
    managed,
    dataPath: DATA,
    user: USER,
    terminationGracePeriodSeconds: 30,
    ports: [{ name: 'redis', port: PORTS.redis }],
    container: {
      name: 'redis',
      image: platform.images.redis,
      command: ['redis-server', ...Object.entries(settings(managed)).flatMap(([name, value]) => [`--${name}`, value])],
      ...probes({ startup: serves, readiness: serves, liveness: isListening }),
      resources: RESOURCES,
      volumeMounts: [tmp.mount],
    },
    prepare: {
      name: 'set-administrator',
      image: platform.images.redis,
      command: ['sh', '-c', SET_ADMINISTRATOR],
      env: [
        { name: 'ADMIN_PASSWORD_FILE', value: password.file },
        { name: 'USERS', value: USERS },
      ],
      resources: RESOURCES,
      volumeMounts: [tmp.mount, password.mount],
    },
    configHash: hashOf(admin?.password ?? null),
    volumes: [tmp.volume, password.volume],
  };
}

function settings({ resources }: ManagedStore): Record<string, string> {
  return {
    port: String(PORTS.redis),
    dir: DATA,
    aclfile: USERS,
    appendonly: 'yes',
    // Every second: what was answered outlives any kill of the server, and all but the last second the end of the machine.
    appendfsync: 'everysec',
    save: '',
    maxmemory: String(maxMemory(withResources(RESOURCES, resources)?.limits?.memory)),
    // A session that was let go in silence would be a customer who is logged out: writes are refused instead.
    'maxmemory-policy': 'noeviction',
  };
}

/** In bytes: half of what the pod may have, since rewriting its file takes as much again at worst. 0 is no limit. */
function maxMemory(limit: string | number | undefined): bigint {
  return (parseQuantity(String(limit ?? 0)) ?? 0n) / 1_000_000_000n / 2n;
}
