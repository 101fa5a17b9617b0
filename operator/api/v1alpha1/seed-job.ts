import { z } from 'zod';
import {
  conditions,
  database,
  engine,
  migrationVersion,
  objectName,
  observedGeneration,
  platformRef,
  runFields,
} from './fields.ts';
import { exactlyOne, listMap, withRules } from './rules.ts';
import { schedule as cron, timeZone } from './workload.ts';

const identifier = z
  .string()
  .max(63)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/);

const FILE_KINDS = 'rows as CSV with a header (.csv), or as one JSON object a line (.ndjson)';

const volumeFile = z
  .object({
    claimName: objectName.describe(
      'Name of the PersistentVolumeClaim, in the same namespace. It is mounted read-only.',
    ),
    path: z
      .string()
      .max(512)
      .regex(/^([A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*\.(csv|ndjson)$/)
      .describe(`Path of the file in the volume, such as 2026/products.csv: ${FILE_KINDS}.`),
  })
  .describe(
    'A file in a volume. The operator cannot see into it: another claim or path runs the seed again, a file of other content does not. Change revision for that.',
  );

const configMapKey = z
  .object({
    name: objectName.describe('Name of the ConfigMap, in the same namespace.'),
    key: z
      .string()
      .max(253)
      .regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*\.(csv|ndjson)$/)
      .describe(`Key, such as products.csv, whose text has ${FILE_KINDS}. Text only: binaryData is not read.`),
  })
  .describe('A key of a ConfigMap. The seed runs again when its text changes, which is noticed within 10 seconds.');

const generator = z
  .object({
    kind: z.enum(['products']).describe('What is made up. products: what a shop has in its catalogue.'),
    count: z.int().min(1).max(10_000_000).describe('How many rows.'),
    seed: z
      .int()
      .min(0)
      .max(4_294_967_295)
      .default(1)
      .describe('The same seed makes the same rows, whenever it runs; another one makes others.'),
  })
  .describe('Rows that are made up.');

const from = exactlyOne(
  z.object({ volume: volumeFile.optional(), configMapRef: configMapKey.optional(), generator: generator.optional() }),
  ['volume', 'configMapRef', 'generator'],
  'from is exactly one of volume, configMapRef and generator',
).describe('Where the rows come from, when they are not written here.');

const dataset = withRules(
  z.object({
    name: z
      .string()
      .max(63)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
      .describe('Name of the dataset, for status and events.'),
    engine,
    database,
    table: identifier.optional().describe('Table that the rows go to; for engine postgres.'),
    collection: z
      .string()
      .max(63)
      .regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/)
      .optional()
      .describe('Collection that the rows go to; for engine mongo.'),
    key: z
      .array(identifier)
      .min(1)
      .max(8)
      .describe('Columns that tell rows apart. Postgres needs a primary key or a unique constraint on them.'),
    mode: z
      .enum(['InsertOnly', 'Upsert', 'Replace'])
      .describe(
        'InsertOnly leaves rows alone that are there. Upsert also changes those that differ. Replace also deletes every other row of the table or collection; it needs spec.confirm.',
      ),
    rows: z
      .array(
        z
          .record(z.string(), z.json())
          .meta({ description: 'A row: values by column.', 'x-kubernetes-preserve-unknown-fields': true }),
      )
      .min(1)
      .max(1000)
      .optional()
      .describe('The rows; each has the columns of key.'),
    from: from.optional(),
  }),
  [
    {
      cel: 'has(self.rows) != has(self.from)',
      message: 'a dataset has its rows either in rows or by from',
      holds: (value) => (value.rows !== undefined) !== (value.from !== undefined),
    },
    {
      cel: "(self.engine == 'postgres') == has(self.table) && (self.engine == 'mongo') == has(self.collection)",
      message: 'a dataset for postgres names a table, one for mongo a collection',
      holds: (value) =>
        (value.engine === 'postgres') === (value.table !== undefined) &&
        (value.engine === 'mongo') === (value.collection !== undefined),
    },
  ],
).superRefine((value, context) => {
  for (const [index, row] of (value.rows ?? []).entries()) {
    const missing = value.key.find((column) => row[column] === undefined || row[column] === null);
    if (missing)
      context.addIssue({
        code: 'custom',
        path: ['rows', index],
        message: `row ${index} has no ${missing}, which is a key column`,
      });
  }
});

const migrationDone = z.object({
  migration: objectName.describe('Name of a Migration that has to be Ready.'),
  version: migrationVersion
    .optional()
    .describe('The version that it has to have reached. Digits, compared as numbers.'),
});

const schedule = z
  .object({
    cron: cron.describe(
      'When it runs: minute, hour, day of the month, month, day of the week; or @daily and the like.',
    ),
    timeZone: timeZone
      .refine(isTimeZone, { message: 'is no time zone that is known: take one like Europe/Berlin' })
      .optional()
      .describe(
        'Time zone of cron, such as Europe/Berlin; UTC when left out. A time that the clocks skip in spring comes when they have skipped it, one that they pass twice in autumn comes once.',
      ),
    concurrency: z
      .enum(['Forbid', 'Replace'])
      .optional()
      .describe(
        'What happens when a run is due while one still runs; two never run at once. Forbid: it waits for that one to end. Replace: a scheduled run is ended in favour of the new one; others are waited for. Default Forbid.',
      ),
    startingDeadlineSeconds: z
      .int()
      .min(10)
      .max(31_536_000)
      .optional()
      .describe(
        'How late a run may begin, such as after the operator was down: of the times that were missed the last one is made up for, unless it is longer ago than this. Left out, it is made up for however late it is.',
      ),
  })
  .describe(
    'Runs the seed again and again, also when nothing has changed. How such a run ends is told by the condition ScheduledRunSucceeded; Ready stays as it is. One that failed is not repeated: the next comes in its time. A time that is past when the schedule is set is not made up for.',
  );

function isTimeZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}

export const seedDatasets = listMap(z.array(dataset).min(1).max(50), 'name').describe(
  'What to write. Each dataset is one transaction on Postgres.',
);

export const seedJobSpec = withRules(
  z.object({
    platformRef,
    after: z.array(migrationDone).max(20).optional().describe('What has to have happened before the seed runs.'),
    datasets: seedDatasets,
    schedule: schedule.optional(),
    revision: z.string().max(253).optional().describe('Free text: a changed revision runs the seed again.'),
    confirm: z
      .string()
      .max(32)
      .regex(/^[0-9a-f]+$/)
      .optional()
      .describe(
        'Lets datasets of mode Replace delete rows. It has the token that the condition Ready asks for, which is good for the datasets as they are now: once they change, another one is needed. What was confirmed may run again without it.',
      ),
  }),
  [
    {
      cel: "!has(self.confirm) || self.datasets.exists(dataset, dataset.mode == 'Replace')",
      message: 'confirm belongs to datasets of mode Replace, and there is none: leave it out',
      holds: ({ confirm, datasets }) => confirm === undefined || datasets.some(({ mode }) => mode === 'Replace'),
    },
  ],
).describe(
  'What data the stores of a platform are to have at first. It runs again when datasets, the data that they refer to, or revision change, when the annotation orderplane.dev/requestedAt gets another value, or on its schedule, and only then.',
);
export type SeedJobSpec = z.infer<typeof seedJobSpec>;
export type SeedSchedule = NonNullable<SeedJobSpec['schedule']>;

const count = (what: string) => z.int().min(0).describe(`Rows that were ${what}.`);

const datasetCounts = z.object({
  name: z.string().max(63).describe('Name of the dataset.'),
  inserted: count('inserted'),
  updated: count('changed'),
  skipped: count('left as they were'),
  deleted: count('deleted').optional(),
});
export type DatasetCounts = z.infer<typeof datasetCounts>;

export const SEED_TRIGGERS = ['Spec', 'Request', 'Schedule'] as const;
const requestedAt = z.string().max(253).optional();

const seedRun = z.object({
  ...runFields,
  trigger: z
    .enum(SEED_TRIGGERS)
    .optional()
    .describe(
      'Why it ran. Spec: for new datasets, data or revision. Request: for the annotation orderplane.dev/requestedAt. Schedule: because it was due.',
    ),
  requestedAt: requestedAt.describe('Value of the annotation orderplane.dev/requestedAt that it has dealt with.'),
  scheduledFor: z.iso.datetime().optional().describe('When it was due, for a scheduled run.'),
  datasets: z.array(datasetCounts).max(50).optional().describe('What was done, by dataset.'),
});
export type SeedRun = z.infer<typeof seedRun>;

const scheduleStatus = z.object({
  expression: z.string().max(200).describe('The schedule that this is about: cron and time zone.'),
  since: z.iso.datetime().describe('When it was set. Times before that are not made up for.'),
  lastScheduleTime: z.iso.datetime().optional().describe('The last time that has been dealt with.'),
  nextScheduleTime: z.iso.datetime().optional().describe('When it is due next.'),
});
export type ScheduleStatus = z.infer<typeof scheduleStatus>;

export const seedJobStatus = z
  .object({
    observedGeneration: observedGeneration.optional(),
    inputHash: z
      .string()
      .max(64)
      .optional()
      .describe(
        'Hash of what was written last, with success; absent from when something else has begun to be written.',
      ),
    confirmedHash: z.string().max(64).optional().describe('Hash of what was last confirmed by spec.confirm.'),
    lastHandledRequestAt: requestedAt.describe(
      'Value of the annotation orderplane.dev/requestedAt that a run has last dealt with, with success.',
    ),
    schedule: scheduleStatus.optional().describe('Where the schedule stands.'),
    runs: z.array(seedRun).max(10).optional().describe('The last 10 runs, newest first.'),
    conditions: conditions.optional(),
  })
  .meta({ description: 'What was written, and when.', default: { observedGeneration: -1 } });
export type SeedJobStatus = z.infer<typeof seedJobStatus>;
