/** The API orderplane.dev/v1alpha1: its kinds, their schemas, and the types that follow from them. */
export * from './conditions.ts';
export { type IngressSpec, type MetricsSpec, type TracingSpec } from './exposure.ts';
export { ENGINES, type Engine } from './fields.ts';
export { API_VERSION, GROUP, KINDS, VERSION, type Kind } from './kinds.ts';
export { withoutDefaults } from './defaults.ts';
export { customResourceDefinition } from './crd.ts';
export { Migrations, OrderPlatforms, SeedJobs, type Migration, type OrderPlatform, type SeedJob } from './objects.ts';
export { migrationSpec, type MigrationFinding, type MigrationSpec, type MigrationStatus } from './migration.ts';
export {
  orderPlatformSpec,
  type ComponentStatus,
  type DatabaseStatus,
  type OrderPlatformSpec,
  type OrderPlatformStatus,
  type Profile,
} from './order-platform.ts';
export { type RestorePointsSpec } from './restore-points.ts';
export {
  RELEASE_SERVICES,
  type Access,
  type Need,
  type ReleaseService,
  type Requirement,
  type ServiceSpec,
} from './service.ts';
export { type PostgresVersion } from './stores.ts';
export { type EnvironmentSpec } from './environment.ts';
export { type VolumeSpec } from './volumes.ts';
export { type ProbesSpec, type ProbeSpec } from './workload.ts';
export {
  SEED_TRIGGERS,
  seedDatasets,
  seedJobSpec,
  type DatasetCounts,
  type ScheduleStatus,
  type SeedJobSpec,
  type SeedJobStatus,
  type SeedRun,
  type SeedSchedule,
} from './seed-job.ts';
