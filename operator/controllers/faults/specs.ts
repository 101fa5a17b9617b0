/** What platforms are made of, by name: between any two of these that the API server lets follow each other, the way must not matter. */
import type { Migration, OrderPlatform, SeedJob } from '../../api/v1alpha1/index.ts';
import { ULTRALIGHT, VOLUME } from '../testing/platforms.ts';

/** A platform called shop, and what a user has beside it: a Migration called extra and a SeedJob called extra. */
export interface Spec {
  platform: OrderPlatform['spec'];
  migration?: Migration['spec'];
  seed?: SeedJob['spec'];
}

/** There in every namespace: the administrator of an external Postgres. */
export const EXTERNAL_SECRET = { name: 'rds', uri: 'postgres://admin:pw@db.example:5432/postgres?sslmode=require' };

const postgres = { stores: { postgres: VOLUME } };
const everything = { stores: ULTRALIGHT.stores, broker: ULTRALIGHT.broker };
const own = (fields: object) => ({ name: 'reports', image: 'registry.example/reports:1', ...fields });

const migration = (versions: string[]): Migration['spec'] => ({
  platformRef: { name: 'shop' },
  engine: 'postgres',
  database: 'extra',
  source: { inline: versions.map((version) => ({ version, name: `step${version}`, up: 'select 1' })) },
});
const seed = (ids: string[], revision?: string): SeedJob['spec'] => ({
  platformRef: { name: 'shop' },
  after: [{ migration: 'extra' }],
  datasets: [{ name: 'rows', engine: 'postgres', database: 'extra', table: 'rows', key: ['id'], mode: 'Upsert', rows: ids.map((id) => ({ id })) }],
  ...(revision && { revision }),
}); // prettier-ignore

/** The volume for restore points is there when a run has needed it: that tells of the way, not where it led. */
const withoutRestorePoints = { migrations: { policy: { restorePoint: 'None' } } } as const;

export const SPECS: Readonly<Record<string, Spec>> = {
  nothing: { platform: {} },
  'Postgres alone': { platform: { ...postgres } },
  'a service of the release': { platform: { ...postgres, broker: { nats: VOLUME }, services: [{ name: 'inventory' }] } },
  'a service of the release, its way': { platform: { ...postgres, broker: { nats: VOLUME }, ...withoutRestorePoints, profile: 'prod', version: '0.1.0', services: [{ name: 'inventory', image: 'registry.example/inventory:2', replicas: 2, port: 9100, env: [{ name: 'LOG_LEVEL', value: 'WARN' }], resources: { requests: { cpu: 1 }, limits: { memory: '512Mi' } } }] } },
  'all of the release': { platform: { ...ULTRALIGHT } },
  'all of the release, staging': { platform: { ...ULTRALIGHT, ...withoutRestorePoints, profile: 'staging' } },
  'all but the storefront': { platform: { ...ULTRALIGHT, services: ULTRALIGHT.services.filter(({ name }) => name !== 'storefront') } },
  'a service that runs nowhere': { platform: { ...postgres, services: [own({ replicas: 0 })] } },
  'a plain service': { platform: { ...everything, services: [own({})] } },
  'a service with everything': { platform: { ...everything, services: [own({ command: ['run'], args: ['--fast'], replicas: 2, port: 9000, env: [{ name: 'REGION', value: 'eu' }, { name: 'ZONE', value: 'a' }], resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { cpu: 1, memory: '256Mi' } }, needs: [{ postgres: { database: 'reports', access: 'ReadOnly' } }, { mongo: { database: 'reports' } }, { broker: { consume: ['order_created'], publish: ['report_made'] } }] })] } },
  'the same with other values': { platform: { ...everything, services: [own({ image: 'registry.example/reports:2', args: ['--slow', '--safe'], replicas: 1, port: 9001, env: [{ name: 'ZONE', value: 'b' }], resources: { limits: { memory: '128Mi' } }, needs: [{ postgres: { database: 'figures', access: 'Owner' } }, { broker: { consume: ['order_confirmed'] } }] })] } },
  'a service that may use Redis, without it': { platform: { ...postgres, services: [own({ needs: [{ redis: {}, optional: true }] })] } },
  'a service that may use Redis, with it': { platform: { stores: { ...postgres.stores, redis: { managed: { storage: '1Gi' } } }, services: [own({ needs: [{ redis: {}, optional: true }] })] } },
  'a service that needs Redis and more': { platform: { stores: { ...postgres.stores, redis: { managed: { storage: '1Gi' } } }, services: [own({ needs: [{ redis: {} }, { postgres: { database: 'reports', access: 'ReadOnly' } }] })] } },
  'a service without a port': { platform: { ...postgres, services: [own({ needs: [{ postgres: { database: 'reports', access: 'ReadWrite' } }] })] } },
  'services that need each other': { platform: { ...postgres, services: [own({ port: 9000 }), { name: 'mine', image: 'registry.example/mine:1', port: 9100, needs: [{ service: { name: 'reports' } }] }] } },
  'the same the other way round': { platform: { ...postgres, services: [own({ port: 9002, needs: [{ service: { name: 'mine' } }] }), { name: 'mine', image: 'registry.example/mine:1', port: 9101 }] } },
  'a migration, a seed, and a service that waits for them': { platform: { ...postgres, services: [own({ requires: [{ migration: 'extra', version: '1' }, { seed: 'extra' }] })] }, migration: migration(['0001']), seed: seed(['a']) },
  'more of both': { platform: { ...postgres, services: [own({ requires: [{ migration: 'extra' }] })] }, migration: migration(['0001', '0002']), seed: seed(['a', 'b'], 'second') },
  'an external Postgres': { platform: { stores: { postgres: { external: { secretRef: { name: EXTERNAL_SECRET.name } } } }, services: [own({ needs: [{ postgres: { database: 'reports', access: 'Owner' } }] })] } },
  'an external Postgres and a broker': { platform: { stores: { postgres: { external: { secretRef: { name: EXTERNAL_SECRET.name } } } }, broker: { nats: VOLUME }, services: [own({ needs: [{ postgres: { database: 'reports', access: 'ReadOnly' } }, { broker: { publish: ['report_made'] } }] })] } },
}; // prettier-ignore
