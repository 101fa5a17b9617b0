import type { Ingress, NetworkPolicy, PersistentVolumeClaim } from '../runtime/known-resources.ts';
import type { KubeObject } from '../runtime/resource.ts';
import { loginsOf, type Login } from './credentials.ts';
import type { ReferencedData } from './environment.ts';
import { loginState, OTHER_PASSWORD } from './login-state.ts';
import { mongo } from './mongo.ts';
import { adminSecretName } from './names.ts';
import { nats, natsConfigSecret } from './nats.ts';
import type { NatsUser } from './nats-config.ts';
import type { ManagedStore, Platform } from './platform.ts';
import { postgres } from './postgres.ts';
import { redis } from './redis.ts';
import { platformIngress } from './ingress.ts';
import { networkPolicies } from './network/policies.ts';
import { releaseMigration, type ReleaseMigration } from './release-migrations.ts';
import { serviceObjects, type ServiceObjects } from './service.ts';
import { serviceMonitor, type ServiceMonitor } from './service-monitor.ts';
import { storeObjects, type StoreObjects } from './store.ts';
import { volumeClaim } from './volume.ts';

/** What is in the credential Secrets, by name of the Secret: the one input that is not in the spec. */
export type SecretData = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Everything of a platform that is applied, by stage and in order; Secrets with credentials and Jobs aside. */
export interface Desired {
  networkPolicies: NetworkPolicy[];
  stores: StoreObjects[];
  broker: StoreObjects | undefined;
  volumes: PersistentVolumeClaim[];
  migrations: ReleaseMigration[];
  services: ServiceObjects[];
  ingress: Ingress | undefined;
  serviceMonitor: ServiceMonitor | undefined;
}

/** The table of contents of a platform. @param referenced the user's own Secrets and ConfigMaps that services refer to */
export function desiredObjects(platform: Platform, secrets: SecretData, referenced: ReferencedData = {}): Desired {
  const { stores, broker, services } = platform;
  const redisAdmin = secrets[adminSecretName(platform.name, 'redis')];
  const postgresAdmin = secrets[adminSecretName(platform.name, 'postgres')];
  return {
    networkPolicies: networkPolicies(platform, secrets),
    stores: [
      ...(stores.postgres?.managed
        ? [storeObjects(platform, postgres(platform, stores.postgres.managed, postgresAdmin))]
        : []),
      ...(stores.mongo?.managed ? [storeObjects(platform, mongo(platform, stores.mongo.managed))] : []),
      ...(stores.redis?.managed ? [storeObjects(platform, redis(platform, stores.redis.managed, redisAdmin))] : []),
    ],
    broker: broker?.managed && brokerObjects(platform, broker.managed, secrets),
    volumes: platform.volumes.map((volume) => volumeClaim(platform, volume)),
    migrations: services.flatMap((service) => releaseMigration(platform, service) ?? []),
    services: services.map((service) =>
      serviceObjects(platform, service, { secrets: readByPods(secrets), referenced }),
    ),
    ingress: platformIngress(platform),
    serviceMonitor: serviceMonitor(platform),
  };
}

/** All of it as one list, in the order in which it comes up. */
export function allObjects({
  networkPolicies: policies,
  stores,
  broker,
  volumes,
  migrations,
  services,
  ingress,
  serviceMonitor: monitor,
}: Desired): KubeObject[] {
  const storeParts = (store: StoreObjects) => [
    ...(store.config ? [store.config] : []),
    store.service,
    store.statefulSet,
  ];
  return [
    ...policies,
    ...stores.flatMap(storeParts),
    ...(broker ? storeParts(broker) : []),
    ...volumes,
    ...migrations,
    ...services.flatMap(servicePart),
    ...(ingress ? [ingress] : []),
    ...(monitor ? [monitor] : []),
  ];
}

function servicePart(objects: ServiceObjects): KubeObject[] {
  const { serviceAccount, kubeService, disruptionBudget, deployment, cronJob, autoscaler } = objects;
  const inOrder = [serviceAccount, kubeService, disruptionBudget, deployment, cronJob, autoscaler];
  return inOrder.filter((object) => object !== undefined);
}

/** Everybody who may log in to NATS. */
export function brokerUsers(platform: Platform, secrets: SecretData): NatsUser[] {
  return loginsOf(platform)
    .filter(({ backend, secret }) => backend === 'nats' && secret in secrets)
    .flatMap((login) => natsUsers(platform, login, secrets));
}

function brokerObjects(platform: Platform, managed: ManagedStore, secrets: SecretData): StoreObjects {
  const users = brokerUsers(platform, secrets);
  const admin = secrets[adminSecretName(platform.name, 'nats')];
  return storeObjects(platform, nats(platform, managed, admin), natsConfigSecret(platform, users));
}

/** The user of a login; both of its users, ordered by name, while it is changing over from one to the other. */
function natsUsers(platform: Platform, login: Login, secrets: SecretData): NatsUser[] {
  const found = platform.services.find(({ name }) => name === login.service);
  const state = loginState(login, { metadata: { name: login.secret }, data: secrets[login.secret] ?? {} });
  const user = (name: string, password: string): NatsUser => ({
    name,
    password,
    service: login.service ?? '',
    topics: found?.needs.broker,
    hasOwnInbox: found?.isOurImage ?? true,
  });
  const other = state.other.password === undefined ? [] : [user(state.other.username, state.other.password)];
  return [user(state.username, state.password ?? ''), ...other].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** What pods read of the Secrets: the other role's password is not for them, and does not restart them. */
function readByPods(secrets: SecretData): SecretData {
  const isRead = ([key]: [string, unknown]) => key !== OTHER_PASSWORD;
  return Object.fromEntries(
    Object.entries(secrets).map(([name, data]) => [name, Object.fromEntries(Object.entries(data).filter(isRead))]),
  );
}
