/** Volumes of the user's own, which services can share. */
import type { VolumeSpec } from '../api/v1alpha1/index.ts';
import type { PersistentVolumeClaim } from '../runtime/known-resources.ts';
import { retainedAnnotations, retainedLabels } from './labels.ts';
import { componentName } from './names.ts';
import type { Platform, Service } from './platform.ts';
import type { Volume, VolumeMount } from './pod.ts';

const ACCESS_MODES: NonNullable<VolumeSpec['accessModes']> = ['ReadWriteOnce'];

/** The claim of a volume. It outlives the platform, as the data do. */
export function volumeClaim(platform: Platform, volume: VolumeSpec): PersistentVolumeClaim {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: componentName(platform.name, volume.name),
      namespace: platform.namespace,
      labels: retainedLabels(platform, volume.name, 'volume'),
      annotations: retainedAnnotations,
    },
    spec: {
      accessModes: volume.accessModes ?? ACCESS_MODES,
      ...(volume.storageClassName && { storageClassName: volume.storageClassName }),
      resources: { requests: { storage: volume.storage } },
    },
  };
}

/** The volumes that a service mounts, for its pods. */
export function mountedVolumes(
  platform: Platform,
  { needs }: Pick<Service, 'needs'>,
): { volumes: Volume[]; mounts: VolumeMount[] } {
  const names = [...new Set(needs.volumes.map(({ name }) => name))];
  return {
    volumes: names.map((name) => ({
      name: volumeName(name),
      persistentVolumeClaim: { claimName: componentName(platform.name, name) },
    })),
    mounts: needs.volumes.map(({ name, mountPath, readOnly }) => ({
      name: volumeName(name),
      mountPath,
      ...(readOnly && { readOnly }),
    })),
  };
}

/** Whether a new pod could wait for ever for the old one, on another node, to give a volume back. */
export function holdsVolumeAlone({ volumes }: Platform, { needs }: Pick<Service, 'needs'>): boolean {
  const used = new Set(needs.volumes.map(({ name }) => name));
  return volumes.some(
    ({ name, accessModes = ACCESS_MODES }) =>
      used.has(name) && !accessModes.some((mode) => mode === 'ReadWriteMany' || mode === 'ReadOnlyMany'),
  );
}

const volumeName = (name: string) => `volume-${name}`;
