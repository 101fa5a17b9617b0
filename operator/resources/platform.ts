import type {
  Access,
  EnvironmentSpec,
  IngressSpec,
  MetricsSpec,
  TracingSpec,
  OrderPlatformSpec,
  ProbesSpec,
  Profile,
  Requirement,
  ServiceSpec,
  VolumeSpec,
} from '../api/v1alpha1/index.ts';
import type { CatalogueEntry } from './catalogue.ts';
import type { Caller, Connections } from './connections.ts';
import type { Images } from './images.ts';
import type { PlatformIdentity } from './labels.ts';
import { componentName, type Backend, type StoreName } from './names.ts';
import { PORTS } from './ports.ts';

type Stores = NonNullable<OrderPlatformSpec['stores']>;
/** What every managed store and the broker have: a volume, and resources of the pod. */
export type ManagedStore = NonNullable<NonNullable<Stores[StoreName]>['managed']>;
export type ManagedPostgres = NonNullable<NonNullable<Stores['postgres']>['managed']>;

/** A platform as it is built: the spec, with the catalogue's part filled in. Everything in resources/ is a function of this. */
export interface Platform extends PlatformIdentity {
  profile: Profile;
  /** The release that `images` are of. */
  release: string;
  /** What else the operator's catalogue has. */
  otherReleases: readonly string[];
  progressDeadlineSeconds: number;
  /** As the platform pulls them. */
  images: Images;
  /** Secrets that every pod pulls with. */
  pullSecrets: string[];
  stores: Stores;
  broker: NonNullable<OrderPlatformSpec['broker']>['nats'];
  /** How customers show who they are, where the platform has accounts. */
  identity: Identity;
  /** What goes for the migrations of the release. */
  migrations: NonNullable<OrderPlatformSpec['migrations']>;
  volumes: VolumeSpec[];
  services: Service[];
  /** Services that are no longer of the platform, and have pods. */
  leaving: Caller[];
  ingress: IngressSpec | undefined;
  /** Whether its pods are closed off by NetworkPolicies. */
  isRestricted: boolean;
  metrics: MetricsSpec | undefined;
  tracing: TracingSpec | undefined;
}

export interface ServiceNeeds {
  postgres?: { database: string; access: Access };
  mongo?: { database: string };
  redis?: object;
  broker?: { publish: string[]; consume: string[] };
  services: string[];
  volumes: { name: string; mountPath: string; readOnly: boolean }[];
  /** Backends that pods do not wait for. */
  optional: Backend[];
}

/** When a CronJob runs. */
export interface Schedule {
  cron: string;
  timeZone: string | undefined;
  concurrencyPolicy: 'Allow' | 'Forbid' | 'Replace';
}

/** How an autoscaler may scale a service. */
export interface Autoscaling {
  minReplicas: number;
  maxReplicas: number;
  targetCPUUtilizationPercentage: number;
}

/** A service of the release or of the user: from here on there is no difference. */
export interface Service {
  name: string;
  image: string;
  command: string[] | undefined;
  args: string[] | undefined;
  /** Runs to its end on a schedule, as a CronJob; undefined: runs all the time, as a Deployment. */
  schedule: Schedule | undefined;
  /** What it starts with, where it is autoscaled. */
  replicas: number;
  autoscaling: Autoscaling | undefined;
  port: number | undefined;
  portName: 'http' | 'grpc' | 'main';
  /** Whether the program listens on `port` without being told. */
  isDefaultPort: boolean;
  managementPort: number | undefined;
  /** Where the release's own probes ask. */
  probePaths: CatalogueEntry['probes'] | undefined;
  /** What the user says of probes. */
  probes: ProbesSpec;
  /** Paths that it serves to the outside, where the platform is exposed. */
  routes: readonly string[];
  /** Whether the image is one of ours, with a user that is known. */
  isOurImage: boolean;
  env: EnvironmentSpec[];
  resources: ServiceSpec['resources'];
  needs: ServiceNeeds;
  /** What its pods may connect to: at least what they need. */
  connections: Connections;
  requires: Requirement[];
  migrations: CatalogueEntry['migrations'];
  checksVerification: boolean;
  keepsAccounts: boolean;
}

/** What the services of the release are told of customers. */
export interface Identity {
  accessTokenTTL: string;
  refreshTokenTTL: string;
  /** Whether orders can be made without an account. */
  anonymousOrders: boolean;
}

/** The backends that somebody with these needs logs in to. */
export function backendsOf({ postgres, mongo, redis, broker }: ServiceNeeds): Backend[] {
  return [
    ...(postgres ? ['postgres' as const] : []),
    ...(mongo ? ['mongo' as const] : []),
    ...(redis ? ['redis' as const] : []),
    ...(broker ? ['nats' as const] : []),
  ];
}

/** The backends that the pods of a service wait for. */
export function requiredBackends(service: Service): Backend[] {
  return backendsOf(service.needs).filter((backend) => !service.needs.optional.includes(backend));
}

/** The variable that holds the address of a service. */
export function addressVariable(service: string): string {
  return `${service.toUpperCase().replaceAll('-', '_')}_URL`;
}

/** The address of a service within the platform's namespace. */
export function addressOf(platform: Platform, service: string): string {
  const port = platform.services.find(({ name }) => name === service)?.port ?? PORTS.gateway;
  return `http://${componentName(platform.name, service)}:${port}`;
}
