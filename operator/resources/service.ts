import { hashOf } from '../runtime/hash.ts';
import type { Deployment, Service as KubeService, ServiceAccount } from '../runtime/known-resources.ts';
import {
  APPLIED_TEMPLATE_ANNOTATION,
  CONFIG_HASH_ANNOTATION,
  ownedMetadata,
  podLabels,
  selectorLabels,
} from './labels.ts';
import { componentName, verificationSecretName, type Backend } from './names.ts';
import { AUTHORITY_KEY, authorityFile, authorityFolder } from './authority.ts';
import { loginSecretOf } from './external.ts';
import type { SecretData } from './desired.ts';
import { addressOf, addressVariable, backendsOf, type Platform, type Service } from './platform.ts';
import {
  NONROOT,
  probes,
  restrictedContainer,
  restrictedPod,
  scratch,
  secretVariable,
  withResources,
  type Container,
  type EnvironmentVariable,
  type PodTemplate,
  type Volume,
  type VolumeMount,
} from './pod.ts';
import { PORTS } from './ports.ts';

/** The objects of a service. The Deployment is the one whose creation, and whose template, may have to wait. */
export interface ServiceObjects {
  service: Service;
  serviceAccount: ServiceAccount;
  kubeService: KubeService | undefined;
  deployment: Deployment;
}

/** @param secrets the data of every Secret that the pods read at start, by name; their hash rolls the pods */
export function serviceObjects(platform: Platform, service: Service, secrets: SecretData): ServiceObjects {
  return {
    service,
    serviceAccount: serviceAccount(platform, service),
    kubeService: kubeService(platform, service),
    deployment: serviceDeployment(platform, service, secrets),
  };
}

function serviceAccount(platform: Platform, service: Service): ServiceAccount {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: ownedMetadata(platform, componentName(platform.name, service.name), service.name, 'service'),
    automountServiceAccountToken: false,
  };
}

function kubeService(platform: Platform, service: Service): KubeService | undefined {
  const ports = portsOf(service);
  if (service.port === undefined) return undefined;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMetadata(platform, componentName(platform.name, service.name), service.name, 'service'),
    spec: {
      type: 'ClusterIP',
      selector: selectorLabels(platform, service.name, 'service'),
      ports: ports.map(({ name, port }) => ({ name, port, targetPort: name, protocol: 'TCP' })),
    },
  };
}

function serviceDeployment(platform: Platform, service: Service, secrets: SecretData): Deployment {
  const template = podTemplate(platform, service, secrets);
  const metadata = ownedMetadata(platform, componentName(platform.name, service.name), service.name, 'service');
  return withTemplate(
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        replicas: service.replicas,
        revisionHistoryLimit: 3,
        progressDeadlineSeconds: platform.progressDeadlineSeconds,
        // The old pod serves until the new one is ready.
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        selector: { matchLabels: selectorLabels(platform, service.name, 'service') },
        template,
      },
    },
    template,
  );
}

/** The Deployment with another pod template, which is noted on it as the one that was applied. */
export function withTemplate(deployment: Deployment, template: PodTemplate): Deployment {
  const annotations = { ...deployment.metadata.annotations, [APPLIED_TEMPLATE_ANNOTATION]: JSON.stringify(template) };
  return {
    ...deployment,
    metadata: { ...deployment.metadata, annotations },
    spec: { ...(deployment.spec as NonNullable<Deployment['spec']>), template },
  };
}

/** The pod template that was last applied to a live Deployment; undefined when none was, or its note is unreadable. */
export function appliedTemplate(deployment: Deployment): PodTemplate | undefined {
  try {
    return JSON.parse(deployment.metadata.annotations?.[APPLIED_TEMPLATE_ANNOTATION] ?? '') as PodTemplate;
  } catch {
    return undefined;
  }
}

/** Small enough for a laptop, enough for a service of the release under load: nothing is killed for memory. */
const RESOURCES = { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '256Mi' } };

function podTemplate(platform: Platform, service: Service, secrets: SecretData): PodTemplate {
  const tmp = scratch('tmp', '/tmp');
  const authorities = authoritiesOf(platform, service, secrets);
  const read = Object.fromEntries(secretsOf(platform, service).map((name) => [name, secrets[name]]));
  return {
    metadata: {
      labels: podLabels(platform, service.name, 'service'),
      ...(Object.keys(read).length > 0 && { annotations: { [CONFIG_HASH_ANNOTATION]: hashOf(read) } }),
    },
    spec: restrictedPod(service.isOurImage ? NONROOT : undefined, {
      serviceAccountName: componentName(platform.name, service.name),
      terminationGracePeriodSeconds: 30,
      containers: [
        restrictedContainer({
          name: 'main',
          image: service.image,
          ...(service.command && { command: service.command }),
          ...(service.args && { args: service.args }),
          env: environment(platform, service, secrets),
          ports: portsOf(service).map(({ name, port }) => ({ name, containerPort: port })),
          ...serviceProbes(service),
          resources: withResources(RESOURCES, service.resources),
          volumeMounts: [tmp.mount, ...authorities.map(({ mount }) => mount)],
        }),
      ],
      volumes: [tmp.volume, ...authorities.map(({ volume }) => volume)],
    }),
  };
}

/** The authorities of the external servers that a service logs in to, as files for the URIs to name. */
function authoritiesOf(
  platform: Platform,
  service: Service,
  secrets: SecretData,
): { volume: Volume; mount: VolumeMount }[] {
  return backendsOf(service)
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

/** The Secrets that a service's pods read. */
export function secretsOf(platform: Platform, service: Service): string[] {
  const logins = backendsOf(service).map((backend) => loginSecretOf(platform, service.name, backend));
  return service.checksVerification ? [...logins, verificationSecretName(platform.name)] : logins;
}

function portsOf({ port, portName, managementPort }: Service): { name: string; port: number }[] {
  return [
    ...(port === undefined ? [] : [{ name: portName, port }]),
    ...(managementPort === undefined ? [] : [{ name: 'management', port: managementPort }]),
  ];
}

const URI_VARIABLES: Readonly<Record<Backend, string>> = {
  postgres: 'POSTGRES_URI',
  mongo: 'MONGO_URI',
  nats: 'BROKER_URI',
};

/** What is injected, then what the user wrote: LOG_LEVEL can be overridden, the reserved names cannot. */
function environment(platform: Platform, service: Service, secrets: SecretData): EnvironmentVariable[] {
  const own = new Set(service.env.map(({ name }) => name));
  const logLevel = { name: 'LOG_LEVEL', value: platform.profile === 'dev' ? 'DEBUG' : 'INFO' };
  return [
    { name: 'PLATFORM', value: platform.name },
    { name: 'PROFILE', value: platform.profile },
    ...(own.has('LOG_LEVEL') ? [] : [logLevel]),
    ...(service.port === undefined || service.isDefaultPort ? [] : [{ name: 'PORT', value: String(service.port) }]),
    ...backendsOf(service).map((backend) =>
      secretVariable(URI_VARIABLES[backend], loginSecretOf(platform, service.name, backend), 'uri'),
    ),
    ...(hasAuthority(platform, service, 'nats', secrets)
      ? [{ name: 'BROKER_CA_FILE', value: authorityFile('nats') }]
      : []),
    ...(service.checksVerification
      ? [secretVariable('VERIFICATION_KEY', verificationSecretName(platform.name), 'key')]
      : []),
    ...service.needs.services.map((needed) => ({ name: addressVariable(needed), value: addressOf(platform, needed) })),
    ...service.env,
  ];
}

function serviceProbes({ port, portName, managementPort, probes: paths }: Service): Partial<Container> {
  if (paths) {
    const at = (path: string) => ({ httpGet: { path, port: managementPort === undefined ? portName : 'management' } });
    return probes({ startup: at(paths.live), readiness: at(paths.ready), liveness: at(paths.live) });
  }
  if (port === undefined) return {};
  const listens = { tcpSocket: { port: portName } };
  return probes({ startup: listens, readiness: listens, liveness: listens });
}

/** The GraphQL address that the verify Job orders through. */
export function graphqlUrl(platform: Platform, gateway: string): string {
  const port = platform.services.find(({ name }) => name === gateway)?.port ?? PORTS.gateway;
  return `http://${componentName(platform.name, gateway)}.${platform.namespace}.svc:${port}/graphql`;
}
