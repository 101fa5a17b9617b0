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
import { listMap, withRules } from './rules.ts';

const identifier = z
  .string()
  .max(63)
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/);

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
      .enum(['InsertOnly', 'Upsert'])
      .describe('InsertOnly leaves rows alone that are there. Upsert also changes those that differ.'),
    rows: z
      .array(
        z
          .record(z.string(), z.json())
          .meta({ description: 'A row: values by column.', 'x-kubernetes-preserve-unknown-fields': true }),
      )
      .min(1)
      .max(1000)
      .describe('The rows; each has the columns of key.'),
  }),
  [
    {
      cel: "(self.engine == 'postgres') == has(self.table) && (self.engine == 'mongo') == has(self.collection)",
      message: 'a dataset for postgres names a table, one for mongo a collection',
      holds: (value) =>
        (value.engine === 'postgres') === (value.table !== undefined) &&
        (value.engine === 'mongo') === (value.collection !== undefined),
    },
  ],
).superRefine((value, context) => {
  for (const [index, row] of value.rows.entries()) {
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

export const seedJobSpec = z
  .object({
    platformRef,
    after: z.array(migrationDone).max(20).optional().describe('What has to have happened before the seed runs.'),
    datasets: listMap(z.array(dataset).min(1).max(50), 'name').describe(
      'What to write. Each dataset is one transaction on Postgres.',
    ),
    revision: z.string().max(253).optional().describe('Free text: a changed revision runs the seed again.'),
  })
  .describe(
    'What data the stores of a platform are to have at first. It runs again when datasets or revision change, and only then.',
  );
export type SeedJobSpec = z.infer<typeof seedJobSpec>;

const count = (what: string) => z.int().min(0).describe(`Rows that were ${what}.`);

const datasetCounts = z.object({
  name: z.string().max(63).describe('Name of the dataset.'),
  inserted: count('inserted'),
  updated: count('changed'),
  skipped: count('left as they were'),
});

const seedRun = z.object({
  ...runFields,
  datasets: z.array(datasetCounts).max(50).optional().describe('What was done, by dataset.'),
});
export type SeedRun = z.infer<typeof seedRun>;

export const seedJobStatus = z
  .object({
    observedGeneration: observedGeneration.optional(),
    inputHash: z.string().max(64).optional().describe('Hash of what the last successful run was given.'),
    runs: z.array(seedRun).max(10).optional().describe('The last 10 runs, newest first.'),
    conditions: conditions.optional(),
  })
  .meta({ description: 'What was written, and when.', default: { observedGeneration: -1 } });
export type SeedJobStatus = z.infer<typeof seedJobStatus>;
