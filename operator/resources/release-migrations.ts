import { API_VERSION, type Migration } from '../api/v1alpha1/index.ts';
import type { KubeObject } from '../runtime/resource.ts';
import { ownedMetadata } from './labels.ts';
import { componentName } from './names.ts';
import type { Platform, Service } from './platform.ts';

export type ReleaseMigration = KubeObject & Pick<Migration, 'spec'>;

/** The Migration of a service that ships migrations; undefined for one that does not. */
export function releaseMigration(platform: Platform, service: Service): ReleaseMigration | undefined {
  if (!service.migrations) return undefined;
  const { engine, database } = service.migrations;
  const { approvals = [] } = platform.migrations;
  const { policy, restorePoints } = engine === 'postgres' ? platform.migrations : withoutRestorePoints(platform);
  const approved = approvals.find((approval) => approval.service === service.name);
  return {
    apiVersion: API_VERSION,
    kind: 'Migration',
    metadata: ownedMetadata(platform, componentName(platform.name, service.name), service.name, 'migration'),
    spec: {
      platformRef: { name: platform.name },
      engine,
      database,
      source: { release: service.name },
      ...(policy && { policy }),
      ...(restorePoints && { restorePoints }),
      ...(approved && { approval: { planHash: approved.planHash } }),
    },
  };
}

/** Where the files of a service are in its image. */
export function migrationsDirectory(service: string): string {
  return `/app/${service}/migrations`;
}

/** There are restore points of Postgres only. */
function withoutRestorePoints({ migrations }: Platform): Pick<Platform['migrations'], 'policy' | 'restorePoints'> {
  if (!migrations.policy) return {};
  const { restorePoint: _, ...policy } = migrations.policy;
  return { policy };
}
