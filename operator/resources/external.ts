/** Servers that a platform uses, but does not run. */
import { adminSecretName, serviceSecretName, type Backend } from './names.ts';
import type { Platform } from './platform.ts';

export interface ExternalSource {
  secretRef: { name: string };
  provisioning?: 'Managed' | 'None' | undefined;
}

/** Where an external backend is; undefined for one that is managed, or not there. */
export function externalOf({ stores, broker }: Platform, backend: Backend): ExternalSource | undefined {
  return backend === 'nats' ? broker?.external : stores[backend]?.external;
}

export function isManaged({ stores, broker }: Platform, backend: Backend): boolean {
  return (backend === 'nats' ? broker?.managed : stores[backend]?.managed) !== undefined;
}

/** Whether the operator makes databases, roles and passwords there. Users of NATS are in the server's own configuration, which is out of reach. */
export function isProvisioned(platform: Platform, backend: Backend): boolean {
  const external = externalOf(platform, backend);
  return external === undefined || (backend !== 'nats' && external.provisioning !== 'None');
}

/** The Secret with an administrator's URI: ours for a managed backend, the user's for an external one. */
export function adminSecretOf(platform: Platform, backend: Backend): string {
  return externalOf(platform, backend)?.secretRef.name ?? adminSecretName(platform.name, backend);
}

/** The Secret that a service finds its login in. All services log in to an external broker alike. */
export function loginSecretOf(platform: Platform, service: string, backend: Backend): string {
  const external = backend === 'nats' ? platform.broker?.external : undefined;
  return external?.secretRef.name ?? serviceSecretName(platform.name, service, backend);
}
