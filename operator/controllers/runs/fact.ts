import { stalled, waiting, type Fact } from '../fact.ts';
import type { RunProgress } from './advance.ts';

/** Failures that repeating alone does not mend: they are repeated all the same, as the cause may be mended elsewhere. */
const NEEDS_A_PERSON: ReadonlySet<string> = new Set([
  'InvalidInput',
  'InvalidSource',
  'EditedMigration',
  'MissingMigration',
  'MigrationGap',
  'ForeignLedger',
  'NotTransactional',
  'StatementFailed',
  'InvalidDataset',
  'SeedRejected',
  'AuthenticationFailed',
  'TlsFailed',
  'NoJetStream',
]);

/** What an unfinished run means. @param doing what it does, such as `applying migrations` */
export function unfinishedRun({ running, trouble, failure, retryAfterMs }: RunProgress, doing: string): Fact {
  if (failure) {
    const fact = NEEDS_A_PERSON.has(failure.reason ?? '') ? stalled : waiting;
    return fact(
      failure.reason ?? 'Failed',
      `${doing} failed: ${failure.message ?? 'no reason was given'}`,
      retryAfterMs,
    );
  }
  return waiting(
    'Running',
    `${doing}${running ? ` (Job ${running})` : ''}${trouble ? `: ${trouble}` : ''}`,
    retryAfterMs,
  );
}
