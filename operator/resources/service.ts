import { canonicalJson, hashOf } from '../runtime/hash.ts';
import type {
  CronJob,
  Deployment,
  HorizontalPodAutoscaler,
  PodDisruptionBudget,
  Service as KubeService,
  ServiceAccount,
} from '../runtime/known-resources.ts';
import { horizontalPodAutoscaler, podDisruptionBudget } from './autoscaling.ts';
import { serviceCronJob } from './cron-job.ts';
import {
  authoritiesOf,
  environment,
  referencesOf,
  referredValue,
  secretsOf,
  type ReferencedData,
} from './environment.ts';
import {
  APPLIED_TEMPLATE_ANNOTATION,
  CONFIG_HASH_ANNOTATION,
  ownedMetadata,
  podLabels,
  selectorLabels,
} from './labels.ts';
import { componentName } from './names.ts';
import type { Platform, Service } from './platform.ts';
import type { SecretData } from './desired.ts';
import {
  NONROOT,
  pullsWith,
  restrictedContainer,
  restrictedPod,
  scratch,
  withResources,
  type PodSpec,
  type Resources,
  type PodTemplate,
} from './pod.ts';
import { PORTS } from './ports.ts';
import { serviceProbes } from './service-probes.ts';
import { holdsVolumeAlone, mountedVolumes } from './volume.ts';

/**
 * The objects of a service: a Deployment or a CronJob, and what belongs to it. The workload is what may have to wait with its creation,
 * and with changes of its template.
 */
export interface ServiceObjects {
  service: Service;
  serviceAccount: ServiceAccount;
  kubeService: KubeService | undefined;
  deployment: Deployment | undefined;
  cronJob: CronJob | undefined;
  autoscaler: HorizontalPodAutoscaler | undefined;
  disruptionBudget: PodDisruptionBudget | undefined;
}

/** What pods read at start, apart from the spec: their hash rolls the pods. */
export interface ReadAtStart {
  /** The data of the operator's own Secrets, by name. */
  secrets: SecretData;
  /** The user's own Secrets and ConfigMaps. */
  referenced: ReferencedData;
}

export function serviceObjects(platform: Platform, service: Service, read: ReadAtStart): ServiceObjects {
  const template = podTemplate(platform, service, read);
  return {
    service,
    serviceAccount: serviceAccount(platform, service),
    kubeService: kubeService(platform, service),
    deployment: service.schedule ? undefined : serviceDeployment(platform, service, template),
    cronJob: service.schedule && serviceCronJob(platform, service, service.schedule, template),
    autoscaler: horizontalPodAutoscaler(platform, service),
    disruptionBudget: podDisruptionBudget(platform, service),
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

function serviceDeployment(platform: Platform, service: Service, template: PodTemplate): Deployment {
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
        strategy: holdsVolumeAlone(platform, service)
          ? { type: 'Recreate' }
          : // The old pod serves until the new one is ready.
            { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        selector: { matchLabels: selectorLabels(platform, service.name, 'service') },
        template,
      },
    },
    template,
  );
}

/** The pod template of a service, whatever runs it. */
export function workloadTemplate({ deployment, cronJob }: ServiceObjects): PodTemplate | undefined {
  return deployment?.spec?.template ?? cronJob?.spec?.jobTemplate.spec?.template;
}

/** The Deployment with another pod template, which is noted on it as the one that was applied. */
export function withTemplate(deployment: Deployment, template: PodTemplate): Deployment {
  const annotations = { ...deployment.metadata.annotations, [APPLIED_TEMPLATE_ANNOTATION]: canonicalJson(template) };
  return {
    ...deployment,
    metadata: { ...deployment.metadata, annotations },
    spec: { ...(deployment.spec as NonNullable<Deployment['spec']>), template },
  };
}

/** The pod template that was last applied to a live workload; undefined when none was, or its note is unreadable. */
export function appliedTemplate({ metadata }: Deployment | CronJob): PodTemplate | undefined {
  try {
    return JSON.parse(metadata.annotations?.[APPLIED_TEMPLATE_ANNOTATION] ?? '') as PodTemplate;
  } catch {
    return undefined;
  }
}

/** Small enough for a laptop, enough for a service of the release under load: nothing is killed for memory, and full collections are rare. */
const RESOURCES = { requests: { cpu: '20m', memory: '64Mi' }, limits: { memory: '384Mi' } };
/** What an autoscaler measures against: with a laptop's request, any load at all would be too much. */
const AUTOSCALED_CPU = '100m';

function podTemplate(platform: Platform, service: Service, read: ReadAtStart): PodTemplate {
  const tmp = scratch('tmp', '/tmp');
  const { volumes, mounts } = mountedVolumes(platform, service);
  const authorities = authoritiesOf(platform, service, read.secrets);
  return {
    metadata: { labels: podLabels(platform, service.name, 'service'), ...configHash(platform, service, read) },
    spec: restrictedPod(
      service.isOurImage ? NONROOT : undefined,
      {
        ...pullsWith(platform.pullSecrets),
        serviceAccountName: componentName(platform.name, service.name),
        terminationGracePeriodSeconds: 30,
        ...(service.schedule ? { restartPolicy: 'Never' } : spread(platform, service)),
        containers: [
          restrictedContainer({
            name: 'main',
            image: service.image,
            ...(service.command && { command: service.command }),
            ...(service.args && { args: service.args }),
            env: environment(platform, service, read.secrets),
            ports: portsOf(service).map(({ name, port }) => ({ name, containerPort: port })),
            ...serviceProbes(service),
            resources: resourcesOf(service),
            volumeMounts: [tmp.mount, ...authorities.map(({ mount }) => mount), ...mounts],
          }),
        ],
        volumes: [tmp.volume, ...authorities.map(({ volume }) => volume), ...volumes],
      },
      { sharesVolumes: volumes.length > 0 },
    ),
  };
}

function configHash(platform: Platform, service: Service, { secrets, referenced }: ReadAtStart) {
  const own = secretsOf(platform, service).map((name) => [name, secrets[name]]);
  const users = referencesOf(service).map((each) => [
    `${each.kind}/${each.name}/${each.key}`,
    referredValue(referenced, each),
  ]);
  if (own.length + users.length === 0) return {};
  return { annotations: { [CONFIG_HASH_ANNOTATION]: hashOf(Object.fromEntries([...own, ...users])) } };
}

/** Evenly over zones and nodes, where there are several. By profile, and not by the number of pods: scaling must not roll them. */
function spread(platform: Platform, { name }: Service): Partial<PodSpec> {
  if (platform.profile === 'dev') return {};
  const over = (topologyKey: string) => ({
    maxSkew: 1,
    topologyKey,
    whenUnsatisfiable: 'ScheduleAnyway',
    labelSelector: { matchLabels: selectorLabels(platform, name, 'service') },
    // The pods of an older template go anyway: they are not counted.
    matchLabelKeys: ['pod-template-hash'],
  });
  return { topologySpreadConstraints: [over('topology.kubernetes.io/zone'), over('kubernetes.io/hostname')] };
}

function resourcesOf({ resources, autoscaling }: Service): Resources {
  if (!autoscaling) return withResources(RESOURCES, resources);
  return withResources({ ...RESOURCES, requests: { ...RESOURCES.requests, cpu: AUTOSCALED_CPU } }, resources);
}

function portsOf({ port, portName, managementPort }: Service): { name: string; port: number }[] {
  return [
    ...(port === undefined ? [] : [{ name: portName, port }]),
    ...(managementPort === undefined ? [] : [{ name: 'management', port: managementPort }]),
  ];
}

/** The GraphQL address that the verify Job orders through. */
export function graphqlUrl(platform: Platform, gateway: string): string {
  const port = platform.services.find(({ name }) => name === gateway)?.port ?? PORTS.gateway;
  return `http://${componentName(platform.name, gateway)}.${platform.namespace}.svc:${port}/graphql`;
}
