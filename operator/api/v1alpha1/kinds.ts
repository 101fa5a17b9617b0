import { MAX_PLATFORM_NAME } from './fields.ts';
import { STAGE_DESCRIPTIONS, STAGES } from './conditions.ts';
import { migrationSpec, migrationStatus } from './migration.ts';
import { orderPlatformSpec, orderPlatformStatus } from './order-platform.ts';
import { volumeSizeRules } from './stores.ts';
import { seedJobSpec, seedJobStatus } from './seed-job.ts';
import type { z } from 'zod';

export const GROUP = 'orderplane.dev';
export const VERSION = 'v1alpha1';
export const API_VERSION = `${GROUP}/${VERSION}`;

export interface PrinterColumn {
  name: string;
  type: 'string' | 'integer' | 'date';
  jsonPath: string;
  description?: string;
  /** Above 0 it is shown by `-o wide` only. */
  priority?: number;
}

/** A kind of this API: everything that its CustomResourceDefinition is made of. */
export interface Kind {
  kind: string;
  plural: string;
  singular: string;
  shortName: string;
  description: string;
  spec: z.ZodType;
  status: z.ZodType;
  columns: PrinterColumn[];
  /** Rules on the whole object, such as on its name. */
  rules: { rule: string; message: string }[];
}

const READY_IS = ".status.conditions[?(@.type=='Ready')]";

const readyColumns: PrinterColumn[] = [
  { name: 'Ready', type: 'string', jsonPath: `${READY_IS}.status`, description: 'Whether everything is as asked.' },
  { name: 'Status', type: 'string', jsonPath: `${READY_IS}.reason`, description: 'Why it is, or is not.' },
];
const age: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' };
const message: PrinterColumn = { name: 'Message', type: 'string', jsonPath: `${READY_IS}.message`, priority: 1 };
const shortEnough = { rule: 'self.metadata.name.size() <= 63', message: 'the name has at most 63 characters' };

export const KINDS: Readonly<Record<'OrderPlatform' | 'Migration' | 'SeedJob', Kind>> = {
  OrderPlatform: {
    kind: 'OrderPlatform',
    plural: 'orderplatforms',
    singular: 'orderplatform',
    shortName: 'oplat',
    description: `An event-driven order platform: stores, broker, migrations, seeds and services, brought up in order and kept. Ready once every stage is: ${STAGES.map((stage) => `${stage} (${STAGE_DESCRIPTIONS[stage]})`).join(', ')}.`,
    spec: orderPlatformSpec,
    status: orderPlatformStatus,
    columns: [
      ...readyColumns,
      {
        name: 'Services',
        type: 'string',
        jsonPath: '.status.services',
        description: 'Services that are available, of those wanted.',
      },
      { name: 'Version', type: 'string', jsonPath: '.status.version' },
      { name: 'URL', type: 'string', jsonPath: '.status.url', description: 'Where it is reached from outside.' },
      age,
      {
        name: 'Schema',
        type: 'string',
        jsonPath: ".status.conditions[?(@.type=='SchemaCurrent')].reason",
        priority: 1,
      },
      message,
    ],
    rules: [
      {
        rule: "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
        message:
          "the platform's name starts with a letter and has letters, digits and dashes only: it begins the names of its objects",
      },
      {
        rule: `self.metadata.name.size() <= ${MAX_PLATFORM_NAME}`,
        message: `the platform's name has at most ${MAX_PLATFORM_NAME} characters: it begins the names of its objects`,
      },
      ...volumeSizeRules,
    ],
  },
  Migration: {
    kind: 'Migration',
    plural: 'migrations',
    singular: 'migration',
    shortName: 'mig',
    description:
      'The schema of one database, as an ordered list of migrations. Each is applied once, recorded in a ledger in the database itself; services that require it wait for it.',
    spec: migrationSpec,
    status: migrationStatus,
    columns: [
      ...readyColumns,
      { name: 'Engine', type: 'string', jsonPath: '.spec.engine' },
      { name: 'Database', type: 'string', jsonPath: '.spec.database' },
      {
        name: 'Version',
        type: 'string',
        jsonPath: '.status.currentVersion',
        description: 'Version that the database is at.',
      },
      age,
      {
        name: 'Plan',
        type: 'string',
        jsonPath: '.status.planHash',
        description: 'Hash of a plan that is not carried out.',
        priority: 1,
      },
      message,
    ],
    rules: [
      shortEnough,
      {
        rule: '!has(self.spec.after) || self.spec.after.all(each, each.migration != self.metadata.name)',
        message: 'after names this Migration itself: it would wait for ever',
      },
    ],
  },
  SeedJob: {
    kind: 'SeedJob',
    plural: 'seedjobs',
    singular: 'seedjob',
    shortName: 'seed',
    description:
      'Data that the stores of a platform are to have at first. An unchanged SeedJob never runs again, however often it is applied.',
    spec: seedJobSpec,
    status: seedJobStatus,
    columns: [
      ...readyColumns,
      { name: 'Platform', type: 'string', jsonPath: '.spec.platformRef.name' },
      { name: 'Last Run', type: 'date', jsonPath: '.status.runs[0].finishedAt' },
      { name: 'Outcome', type: 'string', jsonPath: '.status.runs[0].outcome', description: 'How the last run ended.' },
      { name: 'Schedule', type: 'string', jsonPath: '.spec.schedule.cron' },
      age,
      { name: 'Next Run', type: 'string', jsonPath: '.status.schedule.nextScheduleTime', priority: 1 },
      message,
    ],
    rules: [shortEnough],
  },
};
