import { z } from 'zod';
import {
  conditions,
  database,
  duration,
  engine,
  migrationVersion,
  objectName,
  observedGeneration,
  platformRef,
  runFields,
  secretRef,
  serviceName,
} from './fields.ts';
import { exactlyOne, listMap, withRules } from './rules.ts';

const inlineMigration = z.object({
  version: migrationVersion.describe('Version: digits, compared as numbers. The first is 0001, without gaps.'),
  name: z
    .string()
    .max(100)
    .regex(/^[a-z0-9][a-z0-9_-]*$/)
    .describe('What it does, in a word or two, such as add_price.'),
  up: z
    .string()
    .min(1)
    .max(65536)
    .describe('The SQL, or the YAML steps for Mongo, that bring the database to this version.'),
});

const migrationSource = exactlyOne(
  z.object({
    configMapRef: z
      .object({ name: objectName.describe('Name of the ConfigMap, in the same namespace.') })
      .describe('A ConfigMap with a key for each migration, such as 0001_add_price.up.sql.')
      .optional(),
    inline: listMap(z.array(inlineMigration).min(1).max(100), 'version')
      .describe('The migrations themselves.')
      .optional(),
    release: serviceName
      .describe(
        'A service of the platform whose image brings its migrations. The operator makes such Migrations by itself, for every service of the release that has any.',
      )
      .optional(),
  }),
  ['configMapRef', 'inline', 'release'],
  'source is exactly one of configMapRef, inline and release',
).describe('Where the migrations come from.');

const policy = z
  .object({
    lockTimeout: duration
      .optional()
      .describe(
        'How long a statement waits for a lock on a table, such as 5s (the default), before the run fails and is repeated later.',
      ),
    statementTimeout: duration.optional().describe('How long one statement may take, such as 5m (the default).'),
  })
  .describe('How careful to be with a database in use.');

const specFields = z.object({
  platformRef: platformRef.optional(),
  target: z.object({ secretRef }).describe('A database that belongs to no platform.').optional(),
  engine,
  database,
  source: migrationSource,
  policy: policy.optional(),
});

export const migrationSpec = withRules(
  exactlyOne(specFields, ['platformRef', 'target'], 'set exactly one of platformRef and target'),
  [
    {
      cel: '!has(self.source.release) || has(self.platformRef)',
      message: 'source.release needs platformRef: it names a service of that platform',
      holds: (spec) => spec.source.release === undefined || spec.platformRef !== undefined,
    },
    { cel: 'self.engine == oldSelf.engine', message: 'engine cannot be changed: create another Migration' },
    { cel: 'self.database == oldSelf.database', message: 'database cannot be changed: create another Migration' },
  ],
).describe('Which migrations a database is to have.');
export type MigrationSpec = z.infer<typeof migrationSpec>;

const appliedMigration = z.object({
  version: z.string().max(18).describe('Version of the migration.'),
  name: z.string().max(253).describe('Its name.'),
  durationMs: z.int().min(0).describe('How long it took, in milliseconds.'),
  appliedAt: z.iso.datetime().optional().describe('When it was applied.'),
});

export const migrationStatus = z
  .object({
    observedGeneration: observedGeneration.optional(),
    currentVersion: z.string().max(18).optional().describe('Newest version that the database has.'),
    pending: z.array(z.string().max(300)).max(100).optional().describe('Migrations that are still to be applied.'),
    applied: listMap(z.array(appliedMigration).max(20), 'version')
      .optional()
      .describe('The last 20 that were applied, oldest first.'),
    source: z
      .string()
      .max(600)
      .optional()
      .describe('Where the files of the last successful run came from: an image, a ConfigMap, or inline.'),
    run: z.object(runFields).describe('The last finished run.').optional(),
    conditions: conditions.optional(),
  })
  .meta({ description: 'What the database has.', default: { observedGeneration: -1 } });
export type MigrationStatus = z.infer<typeof migrationStatus>;
