import type { Secret } from '../runtime/known-resources.ts';
import { AUTHORITY_KEY, authorityFile, withAuthority } from './authority.ts';
import { isManaged, isProvisioned } from './external.ts';
import { retainedAnnotations, retainedLabels } from './labels.ts';
import {
  adminSecretName,
  BACKENDS,
  hostName,
  identitySecretName,
  serviceRole,
  serviceSecretName,
  verificationSecretName,
  type Backend,
} from './names.ts';
import { backendsOf, type Platform, type Service } from './platform.ts';
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
  redis: { username: 'default', database: '' },
  nats: { username: 'admin', database: '' },
} as const;

/** The logins that the operator makes, in a stable order. The administrator of an external store is the user's own Secret. */
export function loginsOf(platform: Platform): Login[] {
  const managed = BACKENDS.filter((backend) => isManaged(platform, backend));
  return [
    ...managed.map((backend) => ({
      secret: adminSecretName(platform.name, backend),
      backend,
      service: undefined,
      ...ADMIN[backend],
    })),
    ...platform.services.flatMap((service) =>
      backendsOf(service.needs)
        .filter((backend) => isProvisioned(platform, backend))
        .map((backend) => ({
          secret: serviceSecretName(platform.name, service.name, backend),
          backend,
          service: service.name,
          username: serviceRole(service.name),
          database: databaseOf(service, backend),
        })),
    ),
  ];
}

function databaseOf({ needs }: Service, backend: Backend): string {
  return (backend === 'postgres' || backend === 'mongo' ? needs[backend]?.database : undefined) ?? '';
}

/** An external server, as its Secret has it. */
export interface ExternalServer {
  uri: string;
  /** The certificate of its authority. */
  authority?: string | undefined;
}

/**
 * The Secret of a login. It outlives the platform, as the data do that it opens.
 * @param external the external store that the login is on, as its administrator's Secret has it
 */
export function loginSecret(platform: Platform, login: Login, password: string, external?: ExternalServer): Secret {
  const like = external && uriLike(external.uri, login, password);
  const uri = like ?? managedUri(platform, login, password);
  return credentialSecret(platform, login.secret, login.service ?? login.backend, {
    uri: external?.authority ? withAuthority(uri, authorityFile(login.backend)) : uri,
    username: login.username,
    password,
    ...(external?.authority && { [AUTHORITY_KEY]: external.authority }),
  });
}

/** The Secret with the key for the tokens of the verify Job. */
export function verificationSecret(platform: Platform, key: string): Secret {
  return credentialSecret(platform, verificationSecretName(platform.name), 'verification', { key });
}

/** The Secret with the key of the platform's accounts. */
export function identitySecret(platform: Platform, key: string): Secret {
  return credentialSecret(platform, identitySecretName(platform.name), 'identity', { key });
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

const SCHEMES = { postgres: 'postgres', mongo: 'mongodb', redis: 'redis', nats: 'nats' } as const;
/** Users live in the database admin. Retryable writes need transactions, which nothing here may rely on. */
const MONGO_OPTIONS = '?authSource=admin&retryWrites=false';

function managedUri(platform: Platform, { backend, username, database }: Login, password: string): string {
  const authority = `${username}:${password}@${hostName(platform.name, platform.namespace, backend)}:${PORTS[backend]}`;
  const path = backend === 'nats' || backend === 'redis' ? '' : `/${database}`;
  return `${SCHEMES[backend]}://${authority}${path}${backend === 'mongo' ? MONGO_OPTIONS : ''}`;
}

const URI = /^([a-z+]+:\/\/)(?:[^@/?]*@)?([^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/;

/** The same server (or list of servers) and options, with another login and database. Throws when it is no URI, without quoting it. */
export function uriLike(
  uri: string,
  login: Pick<Login, 'backend' | 'username' | 'database'>,
  password: string,
): string {
  const [, scheme, hosts, path, query] = URI.exec(uri) ?? [];
  if (!scheme?.startsWith(SCHEMES[login.backend]) || !hosts)
    throw new TypeError(`is not a ${SCHEMES[login.backend]}:// URI`);
  const options = new URLSearchParams(query);
  if (login.backend === 'mongo') options.set('authSource', 'admin');
  const suffix = options.size > 0 ? `?${options.toString()}` : '';
  // A database of Redis is a number, and the server's owner has chosen it.
  const database = login.backend === 'redis' ? (path ?? '') : login.database;
  return `${scheme}${login.username}:${password}@${hosts}/${database}${suffix}`;
}

/** A value of a Secret as text. */
export function secretValue(secret: Pick<Secret, 'data'> | undefined, key: string): string | undefined {
  const value = secret?.data?.[key];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString();
}
