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
import {
  keptRestorePoint,
  restoredStatus,
  restorePointId,
  restorePointPolicy,
  restorePoints,
  restorePointStatus,
} from './restore-points.ts';
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
  down: z
    .string()
    .min(1)
    .max(65536)
    .optional()
    .describe(
      'The SQL, or the YAML steps for Mongo, that undo it: run where toVersion is below this version, and policy.down is Allow.',
    ),
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

export const migrationPolicy = z
  .object({
    destructive: z
      .enum(['Reject', 'RequireApproval', 'Allow'])
      .default('Reject')
      .describe(
        'What becomes of pending files with statements that lose data, or of which that cannot be told. Reject: none of the files is applied. RequireApproval: none is applied before the plan was approved, by its hash. Allow: they are applied like all others.',
      ),
    down: z
      .enum(['Refuse', 'Allow'])
      .default('Refuse')
      .describe(
        'What becomes of a toVersion that is below the version of the database. Refuse: nothing. Allow: the down files are run, newest first; whether they may lose data is up to destructive.',
      ),
    restorePoint: restorePointPolicy,
    lockTimeout: duration
      .optional()
      .describe(
        'How long a statement waits for a lock on a table, such as 5s (the default), before the run fails and is repeated later.',
      ),
    statementTimeout: duration.optional().describe('How long one statement may take, such as 5m (the default).'),
  })
  .describe('How careful to be with a database in use.');

export const planHash = z
  .string()
  .max(64)
  .regex(/^[0-9a-f]{16}$/);

/** An approval only means something where one is asked for. */
export const asksForApproval = (policy: { destructive: string } | undefined) =>
  policy?.destructive === 'RequireApproval';
export const CEL_ASKS_FOR_APPROVAL =
  "has(self.policy) && has(self.policy.destructive) && self.policy.destructive == 'RequireApproval'";

const after = z.object({
  migration: objectName.describe('Name of a Migration in the same namespace that has to be Ready.'),
  version: migrationVersion
    .optional()
    .describe('The version that its database has to have reached. Digits, compared as numbers.'),
});

const specFields = z.object({
  platformRef: platformRef.optional(),
  target: z.object({ secretRef }).describe('A database that belongs to no platform.').optional(),
  engine,
  database,
  source: migrationSource,
  mode: z
    .enum(['Apply', 'Plan'])
    .default('Apply')
    .describe(
      'Apply: what is pending is applied. Plan: nothing is written to the database; what would be applied, and what is dangerous about it, is in status.plan. What requires this Migration waits while a plan has something pending.',
    ),
  toVersion: z
    .string()
    .max(18)
    .regex(/^(latest|[0-9]+)$/)
    .default('latest')
    .describe(
      'The version to bring the database to: digits, compared as numbers, or latest for the newest of the source. Below the version of the database it goes down, where policy.down lets it.',
    ),
  baseline: migrationVersion
    .optional()
    .describe(
      'For a database that has tables and no ledger yet: the version that it counts as being at. Files up to it are not run. Without it such a database is refused; without effect where there is a ledger.',
    ),
  after: listMap(z.array(after).min(1).max(20), 'migration')
    .optional()
    .describe('Migrations that have to be done before this one runs.'),
  policy: migrationPolicy.optional(),
  approval: z
    .object({
      planHash: planHash.describe(
        'Hash of the plan that may be carried out, as in status.planHash. It covers the content of the pending files: when that changes, the approval is void.',
      ),
    })
    .optional()
    .describe('Your consent to a plan that policy.destructive asks for.'),
  restorePoints: restorePoints.optional(),
  restoreFrom: z
    .object({
      restorePoint: restorePointId.describe('Id of the restore point, as in status.restorePoints.'),
    })
    .optional()
    .describe(
      'Takes the database back to a restore point, once, and keeps it there: nothing is applied while this is set. What was written since is lost, but for the restore point that is taken of it first under policy.restorePoint. Taken away, what is pending is applied again.',
    ),
});

const NEEDS_POSTGRES = "self.engine == 'postgres' || ";

export const migrationSpec = withRules(
  exactlyOne(specFields, ['platformRef', 'target'], 'set exactly one of platformRef and target'),
  [
    {
      cel: '!has(self.source.release) || has(self.platformRef)',
      message: 'source.release needs platformRef: it names a service of that platform',
      holds: (spec) => spec.source.release === undefined || spec.platformRef !== undefined,
    },
    {
      cel: `!has(self.approval) || (${CEL_ASKS_FOR_APPROVAL})`,
      message:
        'approval needs policy.destructive: RequireApproval, it has no effect otherwise: set that, or drop approval',
      holds: (spec) => spec.approval === undefined || asksForApproval(spec.policy),
    },
    {
      cel: `${NEEDS_POSTGRES}!(has(self.restorePoints) || has(self.restoreFrom) || (has(self.policy) && has(self.policy.restorePoint) && self.policy.restorePoint != 'None'))`,
      message: 'there are restore points of Postgres only: drop restorePoints, restoreFrom and policy.restorePoint',
      holds: ({ engine: of, restorePoints: kept, restoreFrom, policy }) =>
        of === 'postgres' || !(kept || restoreFrom || (policy?.restorePoint ?? 'None') !== 'None'),
    },
    {
      cel: "!has(self.restoreFrom) || self.mode == 'Apply'",
      message: 'restoreFrom needs mode: Apply, as it changes the database: set that, or drop restoreFrom',
      holds: ({ restoreFrom, mode }) => restoreFrom === undefined || mode === 'Apply',
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

const planFinding = z.object({
  file: z.string().max(300).describe('File that has the statement.'),
  line: z.int().min(0).describe('Line of the file.'),
  rule: z.string().max(100).describe('What it is, such as DropColumn.'),
  severity: z
    .enum(['Destructive', 'Rewriting', 'Blocking', 'Undecidable'])
    .describe(
      'Destructive: data is lost. Rewriting: the table is written anew. Blocking: others wait for as long as it takes. Undecidable: it cannot be told, which counts as destructive.',
    ),
  statement: z.string().max(1024).describe('How the statement begins.'),
});
export type MigrationFinding = z.infer<typeof planFinding>;

const migrationPlan = z.object({
  direction: z.enum(['Up', 'Down']).describe('Up: files are applied. Down: they are undone, by their down files.'),
  pending: z.array(z.string().max(300)).max(1000).describe('Files in the order in which they would be run.'),
  findings: z.array(planFinding).max(200).describe('Statements to look at before it is carried out.'),
  leftOut: z
    .object({
      pending: z.int().min(0).describe('Files that are not listed.'),
      findings: z.int().min(0).describe('Findings that are not listed.'),
    })
    .optional()
    .describe('How much of the lists did not fit in.'),
});

export const migrationStatus = z
  .object({
    observedGeneration: observedGeneration.optional(),
    currentVersion: z.string().max(18).optional().describe('Newest version that the database has.'),
    pending: z.array(z.string().max(300)).max(100).optional().describe('Migrations that are still to be applied.'),
    applied: listMap(z.array(appliedMigration).max(20), 'version')
      .optional()
      .describe('The last 20 that were applied, oldest first.'),
    planHash: z
      .string()
      .max(64)
      .optional()
      .describe('Hash of the plan: what to put into spec.approval.planHash to have it carried out.'),
    plan: migrationPlan
      .optional()
      .describe('What would be done: there in mode Plan, and while it is refused or waits for approval.'),
    lockHolder: z
      .string()
      .max(300)
      .optional()
      .describe('Who holds the lock of the database, while this Migration waits for it.'),
    lastHandledRequestAt: z
      .string()
      .max(253)
      .optional()
      .describe('Value of the annotation orderplane.dev/requestedAt for which the last run was made.'),
    ahead: z
      .boolean()
      .optional()
      .describe(
        'Whether the database is at a version that is newer than the newest of the source, as after a release was rolled back.',
      ),
    restorePoint: restorePointStatus.optional().describe('The restore point that was taken last.'),
    restorePoints: listMap(z.array(keptRestorePoint).max(10), 'id')
      .optional()
      .describe('The last 10 restore points that are kept of this database, oldest first.'),
    restorePointWarning: z
      .string()
      .max(4096)
      .optional()
      .describe('Why the last run that changed something has no restore point, or none that was verified.'),
    restored: restoredStatus.optional().describe('The last time that the database was taken back.'),
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
