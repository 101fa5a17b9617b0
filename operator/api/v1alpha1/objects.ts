/** The kinds as objects, and as what the API server serves: structurally those of the runtime, which this layer does not know. */
import type { z } from 'zod';
import { API_VERSION, GROUP, KINDS, VERSION } from './kinds.ts';
import type { migrationSpec, MigrationStatus } from './migration.ts';
import type { orderPlatformSpec, OrderPlatformStatus } from './order-platform.ts';
import type { seedJobSpec, SeedJobStatus } from './seed-job.ts';

interface Metadata {
  name: string;
  namespace?: string;
  uid?: string;
  resourceVersion?: string;
  generation?: number;
  creationTimestamp?: string;
  deletionTimestamp?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  ownerReferences?: {
    apiVersion: string;
    kind: string;
    name: string;
    uid: string;
    controller?: boolean;
    blockOwnerDeletion?: boolean;
  }[];
  finalizers?: string[];
}

interface ApiObject<Spec, Status> {
  apiVersion?: string;
  kind?: string;
  metadata: Metadata;
  /** As a user may have written it: parse it before use. */
  spec: Spec;
  status?: Status;
}

export type OrderPlatform = ApiObject<z.input<typeof orderPlatformSpec>, OrderPlatformStatus>;
export type Migration = ApiObject<z.input<typeof migrationSpec>, MigrationStatus>;
export type SeedJob = ApiObject<z.input<typeof seedJobSpec>, SeedJobStatus>;

interface Served<T> {
  group: string;
  version: string;
  apiVersion: string;
  kind: string;
  plural: string;
  namespaced: boolean;
  readonly objectType?: T;
}

function served<T>({ kind, plural }: { kind: string; plural: string }): Served<T> {
  return { group: GROUP, version: VERSION, apiVersion: API_VERSION, kind, plural, namespaced: true };
}

export const OrderPlatforms = served<OrderPlatform>(KINDS.OrderPlatform);
export const Migrations = served<Migration>(KINDS.Migration);
export const SeedJobs = served<SeedJob>(KINDS.SeedJob);
