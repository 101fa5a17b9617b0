import type { Secret, Service, StatefulSet } from '../runtime/known-resources.ts';
import {
  CONFIG_HASH_ANNOTATION,
  ownedMetadata,
  podLabels,
  retainedAnnotations,
  retainedLabels,
  selectorLabels,
  type Role,
} from './labels.ts';
import { adminSecretName, componentName, type Backend, type StoreName } from './names.ts';
import type { ManagedStore, Platform } from './platform.ts';
import {
  pullsWith,
  restrictedContainer,
  restrictedPod,
  withResources,
  type Container,
  type Volume,
  type VolumeMount,
} from './pod.ts';

/** What a managed store or broker is made of, apart from what they all have in common. */
export interface StoreDefinition {
  component: Backend;
  role: Extract<Role, 'store' | 'broker'>;
  managed: ManagedStore;
  /** Where the claim is mounted. */
  dataPath: string;
  user: number;
  container: Container;
  /** Does its work on the data before the server starts. */
  prepare?: Container;
  volumes: Volume[];
  ports: { name: string; port: number }[];
  terminationGracePeriodSeconds: number;
  /** Hash of what it reads at start only. */
  configHash?: string;
}

/** The password of a store's administrator as a file, whose path the server is told. */
export function adminPassword(
  platform: Platform,
  store: StoreName,
): { file: string; volume: Volume; mount: VolumeMount } {
  const mountPath = '/etc/orderplane/admin';
  return {
    file: `${mountPath}/password`,
    volume: {
      name: 'admin',
      secret: {
        secretName: adminSecretName(platform.name, store),
        defaultMode: 0o440,
        items: [{ key: 'password', path: 'password' }],
      },
    },
    mount: { name: 'admin', mountPath, readOnly: true },
  };
}

/** A StatefulSet of one pod, whose volume outlives the platform. */
function storeStatefulSet(platform: Platform, store: StoreDefinition): StatefulSet {
  const { component, role } = store;
  const name = componentName(platform.name, component);
  return {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: ownedMetadata(platform, name, component, role),
    spec: {
      replicas: 1,
      serviceName: name,
      podManagementPolicy: 'Parallel',
      revisionHistoryLimit: 3,
      persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
      selector: { matchLabels: selectorLabels(platform, component, role) },
      template: {
        metadata: {
          labels: podLabels(platform, component, role),
          ...(store.configHash && { annotations: { [CONFIG_HASH_ANNOTATION]: store.configHash } }),
        },
        spec: restrictedPod(store.user, {
          ...pullsWith(platform.pullSecrets),
          terminationGracePeriodSeconds: store.terminationGracePeriodSeconds,
          ...(store.prepare && { initContainers: [restrictedContainer(withData(store, store.prepare))] }),
          containers: [
            restrictedContainer({
              ...withData(store, store.container),
              resources: withResources(store.container.resources, store.managed.resources),
              ports: store.ports.map((each) => ({ name: each.name, containerPort: each.port })),
            }),
          ],
          volumes: store.volumes,
        }),
      },
      volumeClaimTemplates: [
        {
          apiVersion: 'v1',
          kind: 'PersistentVolumeClaim',
          metadata: {
            name: 'data',
            labels: retainedLabels(platform, component, role),
            annotations: retainedAnnotations,
          },
          spec: {
            accessModes: ['ReadWriteOnce'],
            ...(store.managed.storageClassName && { storageClassName: store.managed.storageClassName }),
            resources: { requests: { storage: store.managed.storage } },
          },
        },
      ],
    },
  } as StatefulSet;
}

function withData({ dataPath }: StoreDefinition, container: Container): Container {
  return { ...container, volumeMounts: [{ name: 'data', mountPath: dataPath }, ...(container.volumeMounts ?? [])] };
}

function storeService(platform: Platform, store: Pick<StoreDefinition, 'component' | 'role' | 'ports'>): Service {
  const { component, role, ports } = store;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: ownedMetadata(platform, componentName(platform.name, component), component, role),
    spec: {
      type: 'ClusterIP',
      selector: selectorLabels(platform, component, role),
      ports: ports.map(({ name, port }) => ({ name, port, targetPort: name, protocol: 'TCP' })),
    },
  };
}

/** The objects of a managed store or broker, in the order in which they are applied. */
export interface StoreObjects {
  component: StoreDefinition['component'];
  config: Secret | undefined;
  service: Service;
  statefulSet: StatefulSet;
}

export function storeObjects(platform: Platform, store: StoreDefinition, config?: Secret): StoreObjects {
  return {
    component: store.component,
    config,
    service: storeService(platform, store),
    statefulSet: storeStatefulSet(platform, store),
  };
}
