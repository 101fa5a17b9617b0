import type { Hop, MigrationPlan } from './contract.ts';

/** What a Job can fail of, as the operator sees it in `reason`. */
export const FAILURE_REASONS = [
  // any Job
  'InvalidInput',
  'SecretMissing',
  'Unreachable',
  'AuthenticationFailed',
  'TlsFailed',
  'Interrupted',
  'Failed',
  // provision
  'LoginTaken',
  'UsersNotKept',
  // migrate
  'InvalidSource',
  'EditedMigration',
  'MissingMigration',
  'MigrationGap',
  'ForeignLedger',
  'DirtyLedger',
  'BaselineRequired',
  'UnknownVersion',
  'MissingDown',
  'DownRefused',
  'DestructiveRejected',
  'ApprovalRequired',
  'NotTransactional',
  'StatementFailed',
  'LockTimeout',
  'LockLost',
  'RestorePointFailed',
  'RestorePointMissing',
  'RestoreFailed',
  // seed
  'InvalidDataset',
  'SeedRejected',
  'NotConfirmed',
  // connect
  'NoJetStream',
  'BrokerTaken',
  // verify
  'GatewayUnreachable',
  'OrderRejected',
  'ReadModelTimeout',
  'OrderNotConfirmed',
  'CancelFailed',
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** A failure that is told to people: its message says what is wrong and, where it can, what to do. */
export class JobError extends Error {
  readonly reason: FailureReason;
  readonly hop: Hop | undefined;
  readonly plan: MigrationPlan | undefined;

  constructor(
    reason: FailureReason,
    message: string,
    options: { hop?: Hop; plan?: MigrationPlan | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'JobError';
    this.reason = reason;
    this.hop = options.hop;
    this.plan = options.plan;
  }
}

/** The text of anything that was thrown; an AggregateError (several addresses tried) has its own in `errors`. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return messageOf(error.errors[0]);
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}

/** The error code of Node, Postgres or MongoDB, where there is one. */
export function codeOf(error: unknown): string | number | undefined {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' || typeof code === 'number' ? code : undefined;
}
