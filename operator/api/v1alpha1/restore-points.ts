import { z } from 'zod';
import { duration, objectName, storage } from './fields.ts';
import { withRules } from './rules.ts';

const CLASS = "(has(self.storageClassName) ? self.storageClassName : '')";

export const restorePointPolicy = z
  .enum(['Required', 'Optional', 'None'])
  .optional()
  .describe(
    'Whether a restore point of a Postgres database is taken before anything pending is applied. Required: nothing is applied where none can be taken and verified. Optional: then it is applied all the same, with a warning. None: none is taken. Default: Optional for a managed Postgres under the profiles staging and prod, else None.',
  );

/** Where restore points are kept, and how long. */
export const restorePoints = withRules(
  z.object({
    keep: z
      .int()
      .min(1)
      .max(100)
      .default(3)
      .describe('How many are kept of a database. The newest always is, and so is the one that restoreFrom names.'),
    maxAge: duration
      .optional()
      .describe(
        'Age above which they are removed, such as 720h; the newest stays. Left out, only their count matters.',
      ),
    storage: storage
      .default('5Gi')
      .describe(
        'Size of their volume, such as 5Gi, which all Migrations of a platform share. The largest that any asks for counts; it can grow where its class allows that, and never shrinks.',
      ),
    storageClassName: objectName
      .optional()
      .describe("StorageClass of their volume. Left out, it is the cluster's default."),
  }),
  [
    {
      cel: `${CLASS} == ${CLASS.replaceAll('self.', 'oldSelf.')}`,
      message:
        'storageClassName cannot be changed: volumes do not move between classes. Delete the claim of the restore points, and restorePoints here, then set both anew',
    },
  ],
).describe('Where restore points are kept, and for how long.');
export type RestorePointsSpec = z.infer<typeof restorePoints>;

export const restorePointId = z
  .string()
  .max(63)
  .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);

const pointFields = {
  id: z.string().max(63).describe('What spec.restoreFrom names it by.'),
  takenAt: z.iso.datetime().describe('The moment that it brings back.'),
  version: z.string().max(18).describe('Version of the database at that time; empty before the first.'),
  bytes: z.int().min(0).describe('Size of the dump.'),
};

export const restorePointStatus = z.object({
  ...pointFields,
  tables: z.int().min(0).describe('How many tables it has.'),
  rows: z.int().min(0).describe('How many rows they have together.'),
  verified: z
    .boolean()
    .describe('Whether it was restored into a scratch database, with the same rows and checksums in every table.'),
});

export const keptRestorePoint = z.object(pointFields);

export const restoredStatus = z.object({
  restorePoint: pointFields.id,
  at: z.iso.datetime().describe('When the database was taken back.'),
});
