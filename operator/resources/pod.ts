/** What every pod has in common: it runs under Pod Security "restricted", with no token and no writable root. */
import type { ServiceSpec } from '../api/v1alpha1/index.ts';
import type { Deployment } from '../runtime/known-resources.ts';
import { parseQuantity } from '../runtime/quantity.ts';

export type PodTemplate = NonNullable<Deployment['spec']>['template'];
export type PodSpec = NonNullable<PodTemplate['spec']>;
export type Container = PodSpec['containers'][number];
export type Volume = NonNullable<PodSpec['volumes']>[number];
export type VolumeMount = NonNullable<Container['volumeMounts']>[number];
export type EnvironmentVariable = NonNullable<Container['env']>[number];
export type Probe = NonNullable<Container['livenessProbe']>;
export type Resources = NonNullable<Container['resources']>;

/** The user of our own images. */
export const NONROOT = 65532;

/**
 * Pod settings of Pod Security "restricted". Without a user, the image's own must not be root.
 * @param options.sharesVolumes volumes are writable for the group that all our pods have
 */
export function restrictedPod(
  user: number | undefined,
  pod: PodSpec,
  options: { sharesVolumes?: boolean } = {},
): PodSpec {
  const group = options.sharesVolumes ? NONROOT : user;
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
      ...(user !== undefined && {
        runAsUser: user,
        runAsGroup: user,
      }),
      ...(group !== undefined && { fsGroup: group, fsGroupChangePolicy: 'OnRootMismatch' }),
    },
    ...pod,
  };
}

/** What a pod pulls its images with, for its spec. */
export function pullsWith(secrets: readonly string[]): Pick<PodSpec, 'imagePullSecrets'> {
  return secrets.length > 0 ? { imagePullSecrets: secrets.map((name) => ({ name })) } : {};
}

/** A container that may change nothing but its mounts; when it ends without a word, the end of its log is its last word. */
export function restrictedContainer(container: Container): Container {
  return {
    imagePullPolicy: 'IfNotPresent',
    terminationMessagePolicy: 'FallbackToLogsOnError',
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    ...container,
  };
}

/** A writable directory that is empty at first, as volume and mount. */
export function scratch(name: string, mountPath: string, sizeLimit = '64Mi'): { volume: Volume; mount: VolumeMount } {
  return { volume: { name, emptyDir: { sizeLimit } }, mount: { name, mountPath } };
}

export function secretVariable(name: string, secret: string, key: string): EnvironmentVariable {
  return { name, valueFrom: { secretKeyRef: { name: secret, key } } };
}

/**
 * Resources with those that somebody asked for in place of the defaults, one by one. A default gives way where it would contradict what was
 * asked for: a request may not exceed its limit.
 */
export function withResources(defaults: Resources = {}, asked: ServiceSpec['resources'] = {}): Resources {
  const requests: Quantities = { ...defaults.requests, ...asked.requests };
  const limits: Quantities = { ...defaults.limits, ...asked.limits };
  for (const name of ['cpu', 'memory'] as const) {
    const request = parseQuantity(String(requests[name] ?? 0)) ?? 0n;
    const limit = limits[name] === undefined ? request : (parseQuantity(String(limits[name])) ?? request);
    if (request <= limit) continue;
    if (asked.limits?.[name] === undefined) limits[name] = requests[name];
    else if (asked.requests?.[name] === undefined) requests[name] = limits[name];
  }
  return { requests, limits } as Resources;
}

type Quantities = { cpu?: string | number | undefined; memory?: string | number | undefined };

export interface ProbeActions {
  /** Whether it has come up; asked every second until it has, so that nobody waits longer than needed. */
  startup: Partial<Probe>;
  readiness: Partial<Probe>;
  liveness: Partial<Probe>;
}

/** Seconds that a component may take to come up before it is restarted. */
const STARTUP_SECONDS = 180;

export function probes({
  startup,
  readiness,
  liveness,
}: ProbeActions): Pick<Container, 'startupProbe' | 'readinessProbe' | 'livenessProbe'> {
  return {
    startupProbe: { ...startup, periodSeconds: 1, timeoutSeconds: 2, failureThreshold: STARTUP_SECONDS },
    readinessProbe: { ...readiness, periodSeconds: 3, timeoutSeconds: 2, failureThreshold: 2 },
    livenessProbe: { ...liveness, periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
  };
}
