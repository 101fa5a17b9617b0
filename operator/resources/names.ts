/** Every name of every object, in one place. Objects are called `<platform>-<component>`. */

export const STORES = ['postgres', 'mongo', 'redis'] as const;
export type StoreName = (typeof STORES)[number];
/** Everything that a service logs in to. */
export const BACKENDS = [...STORES, 'nats'] as const;
export type Backend = (typeof BACKENDS)[number];

export function componentName(platform: string, component: string): string {
  return `${platform}-${component}`;
}

/** The Secret with an administrator's `uri`, `username` and `password`. */
export function adminSecretName(platform: string, backend: Backend): string {
  return `${platform}-${backend}-admin`;
}

/** The Secret with the `uri`, `username` and `password` of one service. */
export function serviceSecretName(platform: string, service: string, backend: Backend): string {
  return `${platform}-${service}-${backend}`;
}

/** The Secret whose `key` the verify Job signs its token with, and the gateway checks it by. */
export function verificationSecretName(platform: string): string {
  return `${platform}-verification`;
}

/** The Secret whose `key` the signing keys of the platform's accounts are encrypted with. */
export function identitySecretName(platform: string): string {
  return `${platform}-identity`;
}

export function natsConfigSecretName(platform: string): string {
  return `${platform}-nats-config`;
}

/** The claim that the StatefulSet controller makes from the template `data`. */
export function claimName(platform: string, component: string): string {
  return `data-${componentName(platform, component)}-0`;
}

/** In-cluster DNS name of a component, good from any namespace. */
export function hostName(platform: string, namespace: string, component: string): string {
  return `${componentName(platform, component)}.${namespace}.svc`;
}

/** NOLOGIN role that owns a database and everything in it. */
export function ownerRole(database: string): string {
  return `${database}_owner`;
}

/** LOGIN role of a service, the first of two that it rotates between. */
export function serviceRole(service: string): string {
  return `${service}_1`;
}

/** What the keys and channels of a service begin with in Redis: its user reaches no others. */
export function keyPrefix(service: string): string {
  return `${service}:`;
}

/** The claim of the volume for restore points: of a platform, or of a Migration of a database that belongs to none. */
export function restorePointsClaimName(owner: string): string {
  return `${owner}-restore-points`;
}

const MAX_JOB_NAME = 63;

/**
 * Name of one run of a Job: the same input and number give the same name, so an operator that was killed after creating it finds it
 * again. Long bases are cut: the hash tells them apart.
 */
export function runName(base: string, inputHash: string, number: number): string {
  const suffix = `-${inputHash.slice(0, 8)}-${number}`;
  return base.slice(0, MAX_JOB_NAME - suffix.length).replace(/[-.]+$/, '') + suffix;
}
