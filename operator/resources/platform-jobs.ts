/** The Jobs of a platform itself: what makes databases and roles, and what verifies. */
import { hashOf } from '../runtime/hash.ts';
import { sagaStepsOf, VERIFIED_PATH } from './catalogue.ts';
import type { Login } from './credentials.ts';
import { adminSecretOf, isManaged } from './external.ts';
import type { JobDefinition } from './job.ts';
import { platformReference } from './labels.ts';
import { OTHER_PASSWORD, type LoginState } from './login-state.ts';
import {
  adminSecretName,
  componentName,
  hostName,
  keyPrefix,
  ownerRole,
  verificationSecretName,
  type Backend,
  type StoreName,
} from './names.ts';
import type { Engine } from '../api/v1alpha1/index.ts';
import { configMarker, SYSTEM_USER, type NatsUser } from './nats-config.ts';
import type { Platform } from './platform.ts';
import { secretVariable } from './pod.ts';
import { PORTS } from './ports.ts';
import { graphqlUrl } from './service.ts';

/** The databases of a store: those that services need, and those that Migrations of the platform work on. */
export function databasesOf(platform: Platform, store: Engine, migrated: readonly string[]): string[] {
  const needed = platform.services.flatMap(({ needs }) => needs[store]?.database ?? []);
  return [...new Set([...needed, ...migrated])].sort();
}

export const ADMIN_URI_VARIABLES: Readonly<Record<StoreName, string>> = {
  postgres: 'POSTGRES_ADMIN_URI',
  mongo: 'MONGO_ADMIN_URI',
  redis: 'REDIS_ADMIN_URI',
};

/** How a Job gets to a store as its administrator. */
export function adminServer(platform: Platform, store: StoreName): NonNullable<JobDefinition['servers']>[number] {
  return {
    variable: ADMIN_URI_VARIABLES[store],
    secret: adminSecretOf(platform, store),
    isExternal: !isManaged(platform, store),
  };
}

/** What all Jobs of a platform have in common. @param purpose tells it from the others */
export function platformJob(platform: Platform, purpose: string) {
  return {
    namespace: platform.namespace,
    owner: platformReference(platform),
    purpose,
    baseName: componentName(platform.name, purpose),
    platform: platform.name,
    image: platform.images.operator,
    pullSecrets: platform.pullSecrets,
  };
}

export function provisionPurpose(backend: Backend): string {
  return `provision-${backend}`;
}

export interface ProvisionInput {
  store: StoreName;
  /** Another volume or server is another store, where everything has to be made anew. */
  identity: string;
  databases: string[];
  logins: readonly ProvisionedLogin[];
}

/** A login of a service, and which of its roles are to be there. */
export interface ProvisionedLogin {
  login: Login;
  state: LoginState;
}

/** A role that is to log in, and where its password stands. */
interface WantedRole extends Pick<Login, 'secret' | 'service' | 'database'> {
  username: string;
  password: string;
  key: string;
}

/** Ordered by name: which of the two is in use makes no difference to the store. */
function wantedRoles(logins: readonly ProvisionedLogin[]): WantedRole[] {
  return logins
    .flatMap(({ login: { secret, service, database }, state }) => [
      { secret, service, database, key: 'password', username: state.username, password: state.password },
      { secret, service, database, key: OTHER_PASSWORD, ...state.other },
    ])
    .filter((role): role is WantedRole => role.password !== undefined)
    .toSorted((a, b) => (a.username < b.username ? -1 : 1));
}

/** The roles of logins whose pods have changed over to the other one. */
function endedRoles(logins: readonly ProvisionedLogin[]): { name: string; database: string }[] {
  return logins
    .filter(({ state }) => state.step === 'Ended')
    .map(({ login: { database }, state }) => ({ name: state.other.username, database }));
}

/** Makes the databases, roles and users of one store. */
export function provisionJob(
  platform: Platform,
  { store, identity, databases, logins }: ProvisionInput,
): JobDefinition {
  const roles = wantedRoles(logins);
  const ended = endedRoles(logins);
  const wanted = { [store]: wantedOf[store](platform, databases, roles, ended) };
  // A new password has to reach the store.
  const passwords = Object.fromEntries(roles.map(({ username, password }) => [username, hashOf(password)]));
  return {
    ...platformJob(platform, provisionPurpose(store)),
    command: 'provision',
    inputHash: hashOf({ identity, wanted, passwords }),
    input: () => (isManaged(platform, store) ? wanted : claimed(platform, wanted)),
    env: [],
    servers: [adminServer(platform, store)],
    passwords: roles.map(({ secret, key, username }) => ({ secret, key, file: username })),
    deadlineSeconds: 300,
  };
}

/** On a server that is not the platform's own, another platform's logins are told from its own by what they are noted with. */
function claimed(platform: Platform, wanted: Partial<Record<StoreName, object>>): object {
  const forPlatform = `${platform.namespace}/${platform.name}`;
  return Object.fromEntries(Object.entries(wanted).map(([store, parts]) => [store, { ...parts, forPlatform }]));
}

type Wanted = (
  platform: Platform,
  databases: readonly string[],
  roles: readonly WantedRole[],
  ended: ReturnType<typeof endedRoles>,
) => object;

/** What `provision` is told of each store. */
const wantedOf: Readonly<Record<StoreName, Wanted>> = {
  postgres: (platform, databases, roles, ended) => ({
    ...postgresWanted(platform, databases, roles),
    ...(ended.length > 0 && { ended }),
  }),
  mongo: (_platform, _databases, roles, ended) => ({
    users: roles.map(({ username, database }) => ({ name: username, database })),
    ...withoutEnded(ended),
  }),
  redis: (_platform, _databases, roles, ended) => ({
    users: roles.map(({ username, service }) => ({ name: username, prefix: keyPrefix(service ?? '') })),
    ...withoutEnded(ended),
  }),
};

const withoutEnded = (ended: readonly { name: string }[]) =>
  ended.length > 0 ? { ended: ended.map(({ name }) => name) } : {};

function postgresWanted(platform: Platform, databases: readonly string[], roles: readonly WantedRole[]) {
  const accessOf = (service: string | undefined) =>
    platform.services.find(({ name }) => name === service)?.needs.postgres?.access;
  return {
    databases: databases.map((name) => ({ name, owner: ownerRole(name) })),
    roles: roles.map(({ username, database, service }) => ({ name: username, database, access: accessOf(service) })),
  };
}

/** Has NATS take up its users as they are now, without a restart. */
export function brokerJob(platform: Platform, users: readonly NatsUser[]): JobDefinition {
  const wanted = { nats: { systemUser: SYSTEM_USER, marker: configMarker(users) } };
  return {
    ...platformJob(platform, provisionPurpose('nats')),
    command: 'provision',
    inputHash: hashOf(wanted),
    input: () => wanted,
    env: [],
    servers: [{ variable: 'NATS_ADMIN_URI', secret: adminSecretName(platform.name, 'nats'), isExternal: false }],
    deadlineSeconds: 300,
  };
}

export const VERIFY_PURPOSE = 'verify';
/** How long one verification may wait for its order to come through. */
const VERIFY_TIMEOUT_SECONDS = 30;

/** Whether an order can be sent through the platform: everything on its path has to be there. */
export function isVerifiable(platform: Platform): boolean {
  const running = new Set(platform.services.filter(({ replicas }) => replicas > 0).map(({ name }) => name));
  return verifiedPath(platform).every((name) => running.has(name));
}

/** The services that an order goes through: those that take part in its saga, too. */
export function verifiedPath({ services }: Pick<Platform, 'services'>): string[] {
  const inSaga = services.filter(({ name }) => sagaStepsOf([{ name }]).length > 0).map(({ name }) => name);
  return [...new Set<string>([...VERIFIED_PATH.through, ...inSaga])];
}

/** Sends an order through the platform, once for each input hash. @param templates what runs on the order's path */
export function verifyJob(platform: Platform, templates: unknown): JobDefinition {
  const input = {
    gatewayUrl: graphqlUrl(platform, VERIFIED_PATH.entry),
    timeoutSeconds: VERIFY_TIMEOUT_SECONDS,
    sagaSteps: sagaStepsOf(platform.services),
    ...(platform.broker?.managed && {
      brokerMonitorUrl: `http://${hostName(platform.name, platform.namespace, 'nats')}:${PORTS.natsMonitoring}`,
    }),
  };
  return {
    ...platformJob(platform, VERIFY_PURPOSE),
    command: 'verify',
    inputHash: hashOf({ version: platform.version, input, templates }),
    input: () => input,
    env: [secretVariable('VERIFICATION_KEY', verificationSecretName(platform.name), 'key')],
    deadlineSeconds: 300,
  };
}
