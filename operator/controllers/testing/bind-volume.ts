import {
  PersistentVolumeClaims,
  PersistentVolumes,
  type Client,
  type ObjectKey,
  type PersistentVolume,
} from '../../runtime/index.ts';
import { eventually } from './eventually.ts';

/** Gives a claim, once it exists, a volume of 1Gi as a provisioner would. Resolves when it is bound. */
export async function bindVolume(client: Client, key: ObjectKey, storageClassName: string): Promise<void> {
  const { namespace } = key;
  const claim = await eventually('the claim exists', () => client.get(PersistentVolumeClaims, key));
  const { name, uid } = claim.metadata;
  await client.create(PersistentVolumes, {
    metadata: { name: namespace },
    spec: {
      capacity: { storage: '1Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName,
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: '/data' },
      claimRef: { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid },
    },
  } as PersistentVolume);
  await eventually(
    'the claim is bound',
    async () => (await client.get(PersistentVolumeClaims, key))?.status?.phase === 'Bound',
  );
}
