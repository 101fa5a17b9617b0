import { chmod, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createClient,
  createLogger,
  createManager,
  done,
  isAlreadyExists,
  PersistentVolumeClaims,
  PersistentVolumes,
  type Client,
  type ObjectKey,
  type PersistentVolume,
  type PersistentVolumeClaim,
} from '@orderplane/operator/runtime/index.ts';
import { PROVISIONER, STORAGE_CLASS } from './bootstrap.ts';

export interface ProvisionerOptions {
  kubeconfig: string;
  volumesDir: string;
  nodeName: string;
}

/** Makes a folder of the node a PersistentVolume for each claim of the default class, and removes it when the claim is gone. */
export async function runProvisioner(options: ProvisionerOptions, signal: AbortSignal): Promise<void> {
  const log = createLogger({ level: 'warn' });
  const client = createClient({ kubeconfig: { path: options.kubeconfig }, fieldManager: 'orderplane-volumes', log });
  const manager = createManager({ client, log, name: 'orderplane-volumes' });
  const claims = manager.informer(PersistentVolumeClaims);
  const volumes = manager.informer(PersistentVolumes);
  manager.controller({
    name: 'provision',
    for: claims,
    reconcile: async (key) => {
      const claim = claims.get(key);
      if (claim && needsVolume(claim)) await provision(client, claim, options);
      return done();
    },
  });
  manager.controller({
    name: 'reclaim',
    for: volumes,
    reconcile: async (key: ObjectKey) => {
      const volume = volumes.get(key);
      if (volume && isReleased(volume)) await reclaim(client, volume, options);
      return done();
    },
  });
  await manager.run(signal);
}

function needsVolume({ metadata, spec }: PersistentVolumeClaim): boolean {
  return spec?.storageClassName === STORAGE_CLASS && !spec.volumeName && !metadata.deletionTimestamp;
}

function isReleased({ metadata, spec, status }: PersistentVolume): boolean {
  const isOurs = metadata.annotations?.['pv.kubernetes.io/provisioned-by'] === PROVISIONER;
  return isOurs && status?.phase === 'Released' && spec?.persistentVolumeReclaimPolicy === 'Delete';
}

/** The folder first: a volume that a pod may mount has its folder. */
async function provision(client: Client, claim: PersistentVolumeClaim, options: ProvisionerOptions): Promise<void> {
  const volume = volumeFor(claim, options);
  const path = join(options.volumesDir, volume.metadata.name);
  await mkdir(path, { recursive: true });
  // Pods of any user write to it; fsGroup narrows it where it is set.
  await chmod(path, 0o777);
  await client.create(PersistentVolumes, volume).catch((error: unknown) => {
    if (!isAlreadyExists(error)) throw error;
  });
}

/** The folder first here too: as long as the volume is listed, a removal that was cut short is taken up again. */
async function reclaim(client: Client, volume: PersistentVolume, options: ProvisionerOptions): Promise<void> {
  const { name, uid } = volume.metadata;
  await rm(join(options.volumesDir, name), { recursive: true, force: true });
  await client.delete(PersistentVolumes, { namespace: '', name }, { uid });
}

/** The volume's name comes from the claim's uid, so that a repeated run makes no second one. */
function volumeFor(claim: PersistentVolumeClaim, options: ProvisionerOptions): PersistentVolume {
  const { name, namespace, uid } = claim.metadata;
  const volumeName = `pvc-${uid}`;
  const onThisNode = { key: 'kubernetes.io/hostname', operator: 'In', values: [options.nodeName] };
  return {
    metadata: { name: volumeName, annotations: { 'pv.kubernetes.io/provisioned-by': PROVISIONER } },
    spec: {
      capacity: { storage: claim.spec?.resources?.requests?.['storage'] ?? '1Gi' },
      accessModes: claim.spec?.accessModes ?? ['ReadWriteOnce'],
      volumeMode: 'Filesystem',
      persistentVolumeReclaimPolicy: 'Delete',
      storageClassName: STORAGE_CLASS,
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', name, namespace, uid },
      local: { path: join(options.volumesDir, volumeName) },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [onThisNode] }] } },
    },
  };
}
