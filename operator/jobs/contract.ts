/** What goes into the Jobs and what comes out: the controllers write these inputs, and read these results. */
import { z } from 'zod';
import { migrationVersion } from '../api/v1alpha1/fields.ts';

export { durationMs } from '../api/v1alpha1/fields.ts';

export const DEFAULT_INPUT_FILE = '/etc/orderplane/input.json';
export const DEFAULT_RESULT_FILE = '/dev/termination-log';
/** Where `provision` finds the password of a role or user that names no file of its own. */
export const PASSWORD_DIR = '/etc/orderplane/passwords';

const duration = z.string().regex(/^(\d+(ms|s|m|h))+$/, 'must be a duration such as 5s or 1m30s');
/** Postgres cuts longer names off in silence. */
const postgresName = z.string().min(1).max(63);
const engine = z.enum(['postgres', 'mongo']);
export type Engine = z.infer<typeof engine>;

export const migrateInput = z.strictObject({
  engine,
  database: z.string().min(1).max(63),
  platform: z.string().optional(),
  source: z.strictObject({ dir: z.string().min(1) }),
  /** `Plan` tells what would be done, and writes nothing to the database, the ledger included. */
  mode: z.enum(['Apply', 'Plan']).default('Apply'),
  toVersion: z.union([z.literal('latest'), migrationVersion]).default('latest'),
  /** A database that has tables and no ledger counts as being at this version. */
  baseline: migrationVersion.optional(),
  /** Hash of the plan that a person approved. */
  approvedPlan: z.string().optional(),
  policy: z
    .strictObject({
      lockTimeout: duration.default('5s'),
      statementTimeout: duration.default('5m'),
      destructive: z.enum(['Reject', 'RequireApproval', 'Allow']).default('Reject'),
      /** A `toVersion` below the database's version: refused, or the down files run, which `destructive` judges too. */
      down: z.enum(['Refuse', 'Allow']).default('Refuse'),
    })
    .prefault({}),
  /** Taken before the first file that is applied; absent: none. */
  restorePoint: z
    .strictObject({
      policy: z.enum(['Optional', 'Required']),
      /** Where the volume for restore points is. */
      dir: z.string().min(1),
      keep: z.number().int().min(1),
      maxAge: duration.optional(),
      /** Why there is no volume. */
      unavailable: z.string().optional(),
    })
    .optional(),
  /** Go back to a restore point instead of migrating, once a request. */
  restoreFrom: z.strictObject({ id: z.string().min(1), dir: z.string().min(1), request: z.string().min(1) }).optional(),
  /** Names this run in the ledger, in logs and to whoever waits for its lock. */
  run: z.string().min(1),
});
export type MigrateInput = z.infer<typeof migrateInput>;

export interface AppliedMigration {
  version: string;
  name: string;
  durationMs: number;
  appliedAt: string;
}

/** Something in a file that its author should have meant. */
export interface PlanFinding {
  file: string;
  line: number;
  /** Its name in the table of docs/migrations.md, such as `drop-column`. */
  rule: string;
  severity: 'Destructive' | 'Rewriting' | 'Blocking' | 'Undecidable';
  /** The first line of the statement. */
  statement: string;
}

/** What a run is to do. */
export interface MigrationPlan {
  /** Of the direction and of version, name and checksum of each pending file: another one as soon as what would run is another. */
  hash: string;
  direction: 'Up' | 'Down';
  /** The files, in the order in which they run. */
  pending: string[];
  findings: PlanFinding[];
  /** How many were cut off the ends of the lists, to fit a termination message. */
  leftOut?: { pending: number; findings: number };
}

/** A dump of the database on the volume for restore points. */
export interface RestorePoint {
  id: string;
  takenAt: string;
  /** The newest version in the ledger at that time; empty before the first. */
  version: string;
  bytes: number;
  tables: number;
  rows: number;
  /** Whether it was restored into a scratch database, and found to be the same. */
  verified: boolean;
}

export interface MigrateResult {
  /** The newest version in the ledger; above the source's newest when the database is ahead. */
  currentVersion: string;
  /** The newest entries of the ledger, oldest first, those of this run included. */
  applied: AppliedMigration[];
  appliedByThisRun: number;
  /** The files of the source that the database does not have, beyond `toVersion` too. */
  pending: string[];
  /** Whether the database has versions above the source's newest: an older release on a newer schema. */
  isAhead: boolean;
  /** Where something is to be done: what. A run that applied it tells what it applied. */
  plan?: MigrationPlan;
  /** Taken by this run before it changed anything. */
  restorePoint?: RestorePoint;
  /** Those that are kept of this database after a run that took one, oldest first. */
  restorePoints?: Pick<RestorePoint, 'id' | 'takenAt' | 'version' | 'bytes'>[];
  /** Why there is none, or none that was verified, where the policy lets that be. */
  restorePointWarning?: string;
}

const row = z.record(z.string(), z.json());
export const seedMode = z.enum(['InsertOnly', 'Upsert', 'Replace']);
/** Rows in a file: CSV (RFC 4180) with a header, or one JSON object a line. */
export const seedFile = z.strictObject({ path: z.string().min(1), format: z.enum(['csv', 'ndjson']) });
/** Made up, and the same on every run with the same `count` and `seed`. */
export const seedGenerator = z.strictObject({
  kind: z.literal('products'),
  count: z.number().int().min(1).max(100_000_000),
  seed: z.number().int().min(0).max(4_294_967_295).default(1),
});
const seedDataset = z
  .strictObject({
    name: z.string().min(1),
    engine,
    database: z.string().min(1),
    table: z.string().min(1).optional(),
    collection: z.string().min(1).optional(),
    key: z.array(z.string().min(1)).min(1),
    mode: seedMode,
    rows: z.array(row).optional(),
    file: seedFile.optional(),
    generator: seedGenerator.optional(),
  })
  .refine((dataset) => Boolean(dataset.engine === 'postgres' ? dataset.table : dataset.collection), {
    message: 'a dataset for postgres names a table, one for mongo a collection',
  })
  .refine(({ rows, file, generator }) => [rows, file, generator].filter(Boolean).length === 1, {
    message: 'a dataset has exactly one of rows, file and generator',
  });
export type SeedDataset = z.infer<typeof seedDataset>;
export type SeedRow = z.infer<typeof row>;
export type SeedFile = z.infer<typeof seedFile>;
export type SeedGenerator = z.infer<typeof seedGenerator>;

export const seedInput = z.strictObject({
  datasets: z.array(seedDataset).min(1),
  inputHash: z.string().min(1),
  /** A run with the same id is applied once: asked again, it answers with the counts that were recorded. */
  run: z.string().min(1),
  /** A person has confirmed this input: without it, nothing is deleted and Replace is refused. */
  confirmed: z.boolean().default(false),
});
export type SeedInput = z.infer<typeof seedInput>;

/** Of the rows of the dataset; `deleted` are those of the table that the dataset of a Replace does not have. */
export interface SeedCounts {
  inserted: number;
  updated: number;
  skipped: number;
  deleted: number;
}
export interface SeedResult {
  datasets: (SeedCounts & { name: string })[];
}

const passwordSource = {
  passwordFile: z.string().min(1).optional(),
  passwordEnv: z.string().min(1).optional(),
};
const postgresRole = z.strictObject({
  name: postgresName,
  ...passwordSource,
  database: postgresName,
  access: z.enum(['ReadOnly', 'ReadWrite', 'Owner']),
});
export type PostgresRole = z.infer<typeof postgresRole>;
const mongoUser = z.strictObject({ name: z.string().min(1), ...passwordSource, database: z.string().min(1) });
export type MongoUser = z.infer<typeof mongoUser>;

/** Reaches only keys and channels that begin with the prefix. */
const redisUser = z.strictObject({ name: z.string().min(1), ...passwordSource, prefix: z.string().min(2) });
export type RedisUser = z.infer<typeof redisUser>;

/** Of which platform (`namespace/name`) the logins are, on a server that others may use as well: those of another one are not touched. */
const forPlatform = z.string().min(1).optional();

export const provisionInput = z.strictObject({
  postgres: z
    .strictObject({
      databases: z.array(z.strictObject({ name: postgresName, owner: postgresName })),
      roles: z.array(postgresRole),
      /** Roles that nobody is to log in with any more; only those that `provision` made are touched. */
      ended: z.array(z.strictObject({ name: postgresName, database: postgresName })).default([]),
      forPlatform,
    })
    .optional(),
  mongo: z
    .strictObject({ users: z.array(mongoUser), ended: z.array(z.string().min(1)).default([]), forPlatform })
    .optional(),
  redis: z
    .strictObject({ users: z.array(redisUser), ended: z.array(z.string().min(1)).default([]), forPlatform })
    .optional(),
  /** Has the server read its configuration again, until the one with this user is in force. */
  nats: z.strictObject({ systemUser: z.string().min(1), marker: z.string().min(1) }).optional(),
});
export type ProvisionInput = z.infer<typeof provisionInput>;

export interface ProvisionResult {
  /** How many objects were created or altered; 0 when everything was as asked. */
  changes: number;
}

export const connectInput = z.strictObject({
  backend: z.enum(['postgres', 'mongo', 'redis', 'nats']),
  /** Who logs in, the Secret that has the login, and the variable that has its URI. */
  logins: z.array(z.strictObject({ who: z.string().min(1), secret: z.string().min(1), variable: z.string().min(1) })),
  /** `namespace/name` of the platform that a broker is taken for: it is for one. */
  platform: z.string().min(1).optional(),
});
export type ConnectInput = z.infer<typeof connectInput>;

export interface ConnectResult {
  /** How many were tried. */
  logins: number;
}

export const verifyInput = z.strictObject({
  gatewayUrl: z.url(),
  timeoutSeconds: z.number().int().positive().default(30),
  /** What has to be done before an order is confirmed, in order: none where it is confirmed at once. */
  sagaSteps: z.array(z.enum(['stock', 'payment'])).default([]),
  /** The broker's monitoring endpoint: tells an event that was never published from one that was never projected. */
  brokerMonitorUrl: z.url().optional(),
});
export type VerifyInput = z.infer<typeof verifyInput>;

export const HOPS = ['gateway', 'orders', 'inventory', 'payments', 'broker', 'order-query'] as const;
export type Hop = (typeof HOPS)[number];

export interface VerifyResult {
  orderId: string;
  /** From the answer of createOrder to the order's being seen in the read model. */
  visibleAfterMs: number;
  /** The same until it was confirmed there; absent where no step is needed for that. */
  confirmedAfterMs?: number;
}

export interface JobFailure {
  ok: false;
  /** CamelCase, for the condition's reason. */
  reason: string;
  message: string;
  hop?: Hop;
  /** Beside the refusal of a plan: the plan. */
  plan?: MigrationPlan;
  /** What a seed had written before it failed, and is not undone by that. */
  datasets?: SeedResult['datasets'];
}
export type JobResult<T> = ({ ok: true } & T) | JobFailure;
