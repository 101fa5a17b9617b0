import { stalled, waiting, type Fact } from '../fact.ts';
import { PROGRESSING } from '../ready.ts';
import type { RunProgress } from './advance.ts';
import { REFUSALS } from './plan.ts';

/** Failures that repeating alone does not mend: they are repeated all the same, as the cause may be mended elsewhere. */
const NEEDS_A_PERSON: ReadonlySet<string> = new Set([
  ...REFUSALS,
  'InvalidInput',
  'InvalidSource',
  'EditedMigration',
  'MissingMigration',
  'MigrationGap',
  'ForeignLedger',
  'DirtyLedger',
  'BaselineRequired',
  'UnknownVersion',
  'MissingDown',
  'NotTransactional',
  'RestorePointFailed',
  'RestorePointMissing',
  'RestoreFailed',
  'StatementFailed',
  'InvalidDataset',
  'SeedRejected',
  'AuthenticationFailed',
  'TlsFailed',
  'NoJetStream',
  'BrokerTaken',
  'LoginTaken',
]);

/** What an unfinished run means. @param doing what it does, such as `applying migrations` */
export function unfinishedRun(progress: RunProgress, doing: string): Fact {
  const { running, trouble, words = {}, failure, retryAfterMs } = progress;
  const job = running ? ` (Job ${running})` : '';
  if (failure) {
    const fact = NEEDS_A_PERSON.has(failure.reason ?? '') ? stalled : waiting;
    const again = running && words.progress ? `; tried again${job}: ${words.progress}` : '';
    const message = `${doing} failed: ${failure.message ?? 'no reason was given'}${again}`;
    return fact(failure.reason ?? 'Failed', message, retryAfterMs);
  }
  if (words.lockHolder && !trouble)
    return waiting(
      'WaitingForLock',
      `${doing}${job} waits for ${words.lockHolder}, which holds the lock`,
      retryAfterMs,
    );
  const said = trouble ?? words.progress;
  const reason = words.progress !== undefined && !trouble ? PROGRESSING : 'Running';
  return waiting(reason, `${doing}${job}${said ? `: ${said}` : ''}`, retryAfterMs);
}
