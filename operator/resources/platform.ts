import type {
  Access,
  IngressSpec,
  MetricsSpec,
  OrderPlatformSpec,
  Profile,
  Requirement,
  ServiceSpec,
} from '../api/v1alpha1/index.ts';
import type { CatalogueEntry } from './catalogue.ts';
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
  progressDeadlineSeconds: number;
  images: Images;
  stores: Stores;
  broker: NonNullable<OrderPlatformSpec['broker']>['nats'];
  services: Service[];
  ingress: IngressSpec | undefined;
  /** Whether its pods are closed off by NetworkPolicies. */
  isRestricted: boolean;
  metrics: MetricsSpec | undefined;
}

export interface ServiceNeeds {
  postgres?: { database: string; access: Access };
  mongo?: { database: string };
  broker?: { publish: string[]; consume: string[] };
  services: string[];
}

/** A service of the release or of the user: from here on there is no difference. */
export interface Service {
  name: string;
  image: string;
  command: string[] | undefined;
  args: string[] | undefined;
  replicas: number;
  port: number | undefined;
  portName: 'http' | 'grpc' | 'main';
  /** Whether the program listens on `port` without being told. */
  isDefaultPort: boolean;
  managementPort: number | undefined;
  probes: CatalogueEntry['probes'] | undefined;
  /** Paths that it serves to the outside, where the platform is exposed. */
  routes: readonly string[];
  /** Whether the image is one of ours, with a user that is known. */
  isOurImage: boolean;
  env: { name: string; value: string }[];
  resources: ServiceSpec['resources'];
  needs: ServiceNeeds;
  requires: Requirement[];
  migrations: CatalogueEntry['migrations'];
  checksVerification: boolean;
}

/** The backends that a service logs in to. */
export function backendsOf(service: Service): Backend[] {
  const { postgres, mongo, broker } = service.needs;
  return [
    ...(postgres ? ['postgres' as const] : []),
    ...(mongo ? ['mongo' as const] : []),
    ...(broker ? ['nats' as const] : []),
  ];
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
