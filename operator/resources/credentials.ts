import type { Secret } from '../runtime/known-resources.ts';
import { retainedAnnotations, retainedLabels } from './labels.ts';
import {
  adminSecretName,
  hostName,
  serviceRole,
  serviceSecretName,
  verificationSecretName,
  type Backend,
} from './names.ts';
import { backendsOf, type Platform } from './platform.ts';
import { PORTS } from './ports.ts';

/** A login that has to exist before anything can start: who, to what, and the Secret that it is kept in. */
export interface Login {
  secret: string;
  backend: Backend;
  /** undefined for the administrator. */
  service: string | undefined;
  /** Of the two that a service has, the first. */
  username: string;
  /** What the URI points at: a database, or nothing. */
  database: string;
}

const ADMIN = {
  postgres: { username: 'postgres', database: 'postgres' },
  mongo: { username: 'root', database: '' },
  nats: { username: 'admin', database: '' },
} as const;

/** The logins of a platform, in a stable order. The administrator of an external store is the user's own Secret. */
export function loginsOf(platform: Platform): Login[] {
  const managed = (['postgres', 'mongo', 'nats'] as const).filter((backend) =>
    backend === 'nats' ? platform.broker : platform.stores[backend]?.managed,
  );
  return [
    ...managed.map((backend) => ({
      secret: adminSecretName(platform.name, backend),
      backend,
      service: undefined,
      ...ADMIN[backend],
    })),
    ...platform.services.flatMap((service) =>
      backendsOf(service).map((backend) => ({
        secret: serviceSecretName(platform.name, service.name, backend),
        backend,
        service: service.name,
        username: serviceRole(service.name),
        database: (backend === 'nats' ? undefined : service.needs[backend]?.database) ?? '',
      })),
    ),
  ];
}

/** The Secret with an administrator's URI: ours for a managed store, the user's for an external one. */
export function adminSecretOf(platform: Platform, backend: Backend): string {
  const external = backend === 'nats' ? undefined : platform.stores[backend]?.external;
  return external?.secretRef.name ?? adminSecretName(platform.name, backend);
}

/**
 * The Secret of a login. It outlives the platform, as the data do that it opens.
 * @param externalUri the administrator's URI of an external store, which the login is on
 */
export function loginSecret(platform: Platform, login: Login, password: string, externalUri?: string): Secret {
  const uri = externalUri ? uriLike(externalUri, login, password) : managedUri(platform, login, password);
  return credentialSecret(platform, login.secret, login.service ?? login.backend, {
    uri,
    username: login.username,
    password,
  });
}

/** The Secret with the key for the tokens of the verify Job. */
export function verificationSecret(platform: Platform, key: string): Secret {
  return credentialSecret(platform, verificationSecretName(platform.name), 'verification', { key });
}

function credentialSecret(platform: Platform, name: string, component: string, data: Record<string, string>): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name,
      namespace: platform.namespace,
      labels: retainedLabels(platform, component, 'service'),
      annotations: retainedAnnotations,
    },
    type: 'Opaque',
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
  };
}

const SCHEMES = { postgres: 'postgres', mongo: 'mongodb', nats: 'nats' } as const;
/** Users live in the database admin. Retryable writes need transactions, which nothing here may rely on. */
const MONGO_OPTIONS = '?authSource=admin&retryWrites=false';

function managedUri(platform: Platform, { backend, username, database }: Login, password: string): string {
  const authority = `${username}:${password}@${hostName(platform.name, platform.namespace, backend)}:${PORTS[backend]}`;
  const path = backend === 'nats' ? '' : `/${database}`;
  return `${SCHEMES[backend]}://${authority}${path}${backend === 'mongo' ? MONGO_OPTIONS : ''}`;
}

const URI = /^([a-z+]+:\/\/)(?:[^@/?]*@)?([^/?]+)(?:\/[^?]*)?(?:\?(.*))?$/;

/** The same server (or list of servers) and options, with another login and database. Throws when it is no URI, without quoting it. */
export function uriLike(
  uri: string,
  login: Pick<Login, 'backend' | 'username' | 'database'>,
  password: string,
): string {
  const [, scheme, hosts, query] = URI.exec(uri) ?? [];
  if (!scheme?.startsWith(SCHEMES[login.backend]) || !hosts)
    throw new TypeError(`is not a ${SCHEMES[login.backend]}:// URI`);
  const options = new URLSearchParams(query);
  if (login.backend === 'mongo') options.set('authSource', 'admin');
  const suffix = options.size > 0 ? `?${options.toString()}` : '';
  return `${scheme}${login.username}:${password}@${hosts}/${login.database}${suffix}`;
}

/** A value of a Secret as text. */
export function secretValue(secret: Pick<Secret, 'data'> | undefined, key: string): string | undefined {
  const value = secret?.data?.[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString();
}
