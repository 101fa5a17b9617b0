/** Restore points of a database: when they are taken, and the volume that they are on. */
import type { Engine, MigrationSpec, RestorePointsSpec } from '../api/v1alpha1/index.ts';
import type { PersistentVolumeClaim } from '../runtime/known-resources.ts';
import { isManaged } from './external.ts';
import { MANAGED_BY_LABEL, MANAGER, retainedAnnotations, retainedLabels } from './labels.ts';
import type { MigrationJobInput, MigrationTarget } from './migration-job.ts';
import { restorePointsClaimName } from './names.ts';
import type { Platform } from './platform.ts';

export const RESTORE_POINTS_FOLDER = '/restore-points';
/** On a claim of a Migration of a database that belongs to no platform. */
export const MIGRATION_LABEL = 'orderplane.dev/migration';

const COMPONENT = 'restore-points';
const DEFAULTS: Pick<RestorePointsSpec, 'keep' | 'storage'> = { keep: 3, storage: '5Gi' };

/** The volume, or why there is none. */
export interface RestoreVolume {
  claim?: string;
  fault?: string;
}

/** Where there are data that somebody would miss, and a cluster that has volumes. */
export function defaultRestorePoint(platform: Platform, engine: Engine): MigrationTarget['restorePoint'] {
  return engine === 'postgres' && platform.profile !== 'dev' && isManaged(platform, engine) ? 'Optional' : 'None';
}

/** Whether restore points are taken of a Migration's database, and how strictly. */
export function restorePointPolicy(
  { engine, mode, policy }: MigrationSpec,
  target: MigrationTarget,
): 'Required' | 'Optional' | 'None' {
  if (engine !== 'postgres' || mode === 'Plan') return 'None';
  return policy?.restorePoint ?? target.restorePoint;
}

/** What the Job is told of restore points. */
export function restorePointInput(
  { spec, target, generation }: Pick<MigrationJobInput, 'spec' | 'target' | 'generation'>,
  { fault }: RestoreVolume,
): object {
  const { keep, maxAge } = { ...DEFAULTS, ...spec.restorePoints };
  const policy = restorePointPolicy(spec, target);
  const dir = RESTORE_POINTS_FOLDER;
  const { restoreFrom } = spec;
  return {
    ...(policy !== 'None' && {
      restorePoint: { policy, dir, keep, ...(maxAge && { maxAge }), ...(fault && { unavailable: fault }) },
    }),
    ...(restoreFrom && {
      restoreFrom: {
        id: restoreFrom.restorePoint,
        dir,
        request: `${restoreFrom.restorePoint} of generation ${generation}`,
      },
    }),
  };
}

/** The claim of the volume. It outlives the Migration and its platform, as the data do. */
export function restorePointsClaim(
  migration: { name: string; namespace: string },
  platform: string | undefined,
  spec: Partial<RestorePointsSpec> = {},
): PersistentVolumeClaim {
  const { storage, storageClassName } = { ...DEFAULTS, ...spec };
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: {
      name: restorePointsClaimName(platform ?? migration.name),
      namespace: migration.namespace,
      labels:
        platform === undefined ? ownLabels(migration.name) : retainedLabels({ name: platform }, COMPONENT, 'volume'),
      annotations: retainedAnnotations,
    },
    spec: {
      accessModes: ['ReadWriteOnce'],
      ...(storageClassName && { storageClassName }),
      resources: { requests: { storage } },
    },
  };
}

const ownLabels = (migration: string) => ({
  'app.kubernetes.io/name': COMPONENT,
  'app.kubernetes.io/component': 'volume',
  'app.kubernetes.io/part-of': 'orderplane',
  [MANAGED_BY_LABEL]: MANAGER,
  [MIGRATION_LABEL]: migration.slice(0, 63),
});
