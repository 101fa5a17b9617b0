/** The environment of a service: what is injected, what the user wrote, and where its values come from. */
import type { EnvironmentSpec } from '../api/v1alpha1/index.ts';
import { AUTHORITY_KEY, authorityFile, authorityFolder } from './authority.ts';
import type { SecretData } from './desired.ts';
import { loginSecretOf } from './external.ts';
import { identitySecretName, verificationSecretName, type Backend } from './names.ts';
import { addressOf, addressVariable, backendsOf, type Platform, type Service } from './platform.ts';
import { secretVariable, type EnvironmentVariable, type Volume, type VolumeMount } from './pod.ts';
import { tracingVariables } from './tracing.ts';

const URI_VARIABLES: Readonly<Record<Backend, string>> = {
  postgres: 'POSTGRES_URI',
  mongo: 'MONGO_URI',
  redis: 'REDIS_URI',
  nats: 'BROKER_URI',
};

/** For drivers whose URIs have no option for it. */
const AUTHORITY_VARIABLES = [
  ['redis', 'REDIS_CA_FILE'],
  ['nats', 'BROKER_CA_FILE'],
] as const;

/** What is injected, then what the user wrote: LOG_LEVEL and what traces go by can be overridden, the reserved names cannot. */
export function environment(platform: Platform, service: Service, secrets: SecretData): EnvironmentVariable[] {
  const own = new Set(service.env.map(({ name }) => name));
  const logLevel = { name: 'LOG_LEVEL', value: platform.profile === 'dev' ? 'DEBUG' : 'INFO' };
  return [
    { name: 'PLATFORM', value: platform.name },
    { name: 'PROFILE', value: platform.profile },
    ...(own.has('LOG_LEVEL') ? [] : [logLevel]),
    ...(service.port === undefined || service.isDefaultPort ? [] : [{ name: 'PORT', value: String(service.port) }]),
    ...backendsOf(service.needs).map((backend) => uriVariable(platform, service, backend)),
    ...AUTHORITY_VARIABLES.filter(([backend]) => hasAuthority(platform, service, backend, secrets)).map(
      ([backend, name]) => ({ name, value: authorityFile(backend) }),
    ),
    ...(service.checksVerification
      ? [secretVariable('VERIFICATION_KEY', verificationSecretName(platform.name), 'key')]
      : []),
    ...(service.keepsAccounts ? [secretVariable('IDENTITY_SECRET', identitySecretName(platform.name), 'key')] : []),
    ...service.needs.services.map((needed) => ({ name: addressVariable(needed), value: addressOf(platform, needed) })),
    ...tracingVariables(platform, service.name).filter(({ name }) => !own.has(name)),
    ...service.env,
  ] as EnvironmentVariable[];
}

/** An optional one may come later, and then rolls the pods. */
function uriVariable(platform: Platform, { name, needs }: Service, backend: Backend): EnvironmentVariable {
  const variable = secretVariable(URI_VARIABLES[backend], loginSecretOf(platform, name, backend), 'uri');
  if (!needs.optional.includes(backend)) return variable;
  return {
    ...variable,
    valueFrom: { secretKeyRef: { ...variable.valueFrom?.secretKeyRef, optional: true } },
  } as EnvironmentVariable;
}

/** The authorities of the external servers that a service logs in to, as files for the URIs to name. */
export function authoritiesOf(
  platform: Platform,
  service: Service,
  secrets: SecretData,
): { volume: Volume; mount: VolumeMount }[] {
  return backendsOf(service.needs)
    .filter((backend) => hasAuthority(platform, service, backend, secrets))
    .map((backend) => {
      const name = `ca-${backend}`;
      const secretName = loginSecretOf(platform, service.name, backend);
      const items = [{ key: AUTHORITY_KEY, path: AUTHORITY_KEY }];
      return {
        volume: { name, secret: { secretName, defaultMode: 0o444, items } },
        mount: { name, mountPath: authorityFolder(backend), readOnly: true },
      };
    });
}

function hasAuthority(platform: Platform, { name, needs }: Service, backend: Backend, secrets: SecretData): boolean {
  const isNeeded = needs[backend === 'nats' ? 'broker' : backend] !== undefined;
  return isNeeded && secrets[loginSecretOf(platform, name, backend)]?.[AUTHORITY_KEY] !== undefined;
}

/** The Secrets of the operator's own that a service's pods read. @param backends for these alone */
export function secretsOf(platform: Platform, service: Service, backends = backendsOf(service.needs)): string[] {
  const logins = backends.map((backend) => loginSecretOf(platform, service.name, backend));
  return [
    ...logins,
    ...(service.checksVerification ? [verificationSecretName(platform.name)] : []),
    ...(service.keepsAccounts ? [identitySecretName(platform.name)] : []),
  ];
}

/** A key of a Secret or ConfigMap of the user's own. */
export interface Reference {
  kind: 'Secret' | 'ConfigMap';
  name: string;
  key: string;
  optional: boolean;
}

/** The data of the user's own Secrets and ConfigMaps, by `kind/name`; what does not exist is absent. */
export type ReferencedData = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** What the environment of a service refers to. */
export function referencesOf({ env }: Pick<Service, 'env'>): Reference[] {
  return env.flatMap(({ valueFrom }: EnvironmentSpec) => [
    ...(valueFrom?.secretKeyRef ? [reference('Secret', valueFrom.secretKeyRef)] : []),
    ...(valueFrom?.configMapKeyRef ? [reference('ConfigMap', valueFrom.configMapKeyRef)] : []),
  ]);
}

function reference(
  kind: Reference['kind'],
  { name, key, optional = false }: { name: string; key: string; optional?: boolean | undefined },
): Reference {
  return { kind, name, key, optional };
}

/** The value that a reference leads to; undefined where there is none. */
export function referredValue(data: ReferencedData, { kind, name, key }: Reference): string | undefined {
  return data[`${kind}/${name}`]?.[key];
}
