/** The Job that finds whether an external store or broker can be used, by connecting to it; a broker is taken for the platform. */
import { hashOf } from '../runtime/hash.ts';
import type { SecretData } from './desired.ts';
import { adminSecretOf, isProvisioned, loginSecretOf } from './external.ts';
import type { JobDefinition } from './job.ts';
import type { Backend } from './names.ts';
import { backendsOf, type Platform } from './platform.ts';
import { platformJob } from './platform-jobs.ts';

export function connectPurpose(backend: Backend): string {
  return `connect-${backend}`;
}

/** The logins of an external backend that somebody else made: who has them, and the Secret that they are in. */
export function foreignLogins(platform: Platform, backend: Backend): { who: string; secret: string }[] {
  const services = platform.services.filter((service) => backendsOf(service.needs).includes(backend));
  const logins = [
    { who: 'the administrator', secret: adminSecretOf(platform, backend) },
    ...(isProvisioned(platform, backend)
      ? []
      : services.map(({ name }) => ({ who: `service ${name}`, secret: loginSecretOf(platform, name, backend) }))),
  ];
  return logins.filter(({ secret }, index) => logins.findIndex((other) => other.secret === secret) === index);
}

/** Connects with every login of a backend that is not ours, once for what is in its Secrets. */
export function connectJob(platform: Platform, backend: Backend, secrets: SecretData): JobDefinition {
  const logins = foreignLogins(platform, backend).filter(({ secret }) => secret in secrets);
  const input = {
    backend,
    logins: logins.map(({ who, secret }, index) => ({ who, secret, variable: variableOf(index) })),
    ...(backend === 'nats' && { platform: `${platform.namespace}/${platform.name}` }),
  };
  return {
    ...platformJob(platform, connectPurpose(backend)),
    command: 'connect',
    inputHash: hashOf({ input, data: logins.map(({ secret }) => secrets[secret]) }),
    input: () => input,
    env: [],
    servers: logins.map(({ secret }, index) => ({ variable: variableOf(index), secret, isExternal: true })),
    deadlineSeconds: 120,
  };
}

function variableOf(index: number): string {
  return `LOGIN_${index + 1}_URI`;
}
