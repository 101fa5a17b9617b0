/** The cases of every field, by kind; see cases.ts for how to write one. */
import type { FieldCases, KindName } from './cases.ts';
import { migrationFields } from './migration.ts';
import { orderPlatformFields } from './order-platform.ts';
import { seedJobFields } from './seed-job.ts';

export const FIELD_CASES: Readonly<Record<KindName, { file: string; cases: FieldCases }>> = {
  OrderPlatform: { file: 'order-platform.ts', cases: orderPlatformFields },
  Migration: { file: 'migration.ts', cases: migrationFields },
  SeedJob: { file: 'seed-job.ts', cases: seedJobFields },
};
