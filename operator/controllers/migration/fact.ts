/** What a visit to a Migration amounts to: the fact that becomes Ready, in words that say what to do. Pure. */
import type { MigrationFinding, MigrationSpec, MigrationStatus } from '../../api/v1alpha1/index.ts';
import { holds, stalled, type Fact } from '../fact.ts';
import type { RunProgress } from '../runs/advance.ts';
import { REFUSALS } from '../runs/plan.ts';
import { unfinishedRun } from '../runs/fact.ts';
import { approvalCommand, policyPath, type Policed } from './approval.ts';

/** What a fact follows from. */
export interface Outcome {
  policed: Policed;
  spec: MigrationSpec;
  /** As it is to be written: what the last run found, and what is known from before. */
  status: MigrationStatus;
  progress: RunProgress;
}

export function migrationFact({ policed, spec, status, progress }: Outcome): Fact {
  if (progress.isSettled) return settledFact(spec, status);
  const { failure } = progress;
  if (failure && REFUSALS.has(failure.reason ?? '') && status.plan && !progress.running)
    return stalled(failure.reason ?? '', refusal(failure.reason ?? '', policed, spec, status));
  const doing = spec.restoreFrom
    ? `taking ${spec.database} back to ${spec.restoreFrom.restorePoint}`
    : `migrating ${spec.database}`;
  return unfinishedRun(progress, doing);
}

function settledFact(
  { mode, database, restoreFrom }: MigrationSpec,
  { currentVersion, plan, planHash, pending = [], ahead, restorePointWarning }: MigrationStatus,
): Fact {
  const at = currentVersion ? `${database} is at version ${currentVersion}` : `${database} has no migrations`;
  if (restoreFrom) {
    const held = pending.length > 0 ? `; ${enumerated(pending)} not applied as long` : '';
    return holds('Restored', `${at}, as of restore point ${restoreFrom.restorePoint}, while restoreFrom is set${held}`);
  }
  if (mode === 'Plan' && plan) {
    const found = plan.findings.length > 0 ? `; look at ${findingsInWords(plan.findings)}` : '';
    return holds('PlanReady', `${at}; plan ${planHash} would ${whatWouldRun(plan)}${found}`);
  }
  if (ahead) return holds('Ahead', `${at}, which is newer than the newest of the source`);
  const beyond = pending.length > 0 ? `, as wanted; beyond it there is ${enumerated(pending)}` : '';
  return holds('UpToDate', `${at}${beyond}${restorePointWarning ? `. Warning: ${restorePointWarning}` : ''}`);
}

function refusal(reason: string, policed: Policed, spec: MigrationSpec, status: MigrationStatus): string {
  const { plan, planHash = '', currentVersion } = status;
  if (!plan) return '';
  const would = `plan ${planHash} would ${whatWouldRun(plan)}`;
  const dangerous = plan.findings.filter(isDestructive);
  const found = findingsInWords(dangerous);
  switch (reason) {
    case 'ApprovalRequired': {
      const approved = spec.approval?.planHash;
      const voided = approved
        ? `. Plan ${approved} was approved, which is another: what is pending has changed since`
        : '';
      return `${would}, and waits for approval of ${found}${voided}. To approve it: ${approvalCommand(policed, planHash)}`;
    }
    case 'DownRefused':
      return `${spec.database} is at version ${currentVersion ?? 'none'}, and toVersion is ${spec.toVersion}: ${would}. Set toVersion to latest, or ${policyPath(policed, 'down')} to Allow`;
    default:
      return `${would}, and is refused for ${found}. Nothing was applied. To have a person decide, set ${policyPath(policed, 'destructive')} to RequireApproval; to have it applied, to Allow`;
  }
}

const isDestructive = ({ severity }: MigrationFinding) => severity === 'Destructive' || severity === 'Undecidable';

/** The condition's message is short of room, and a command that is cut is of no use. */
const SHOWN = 3;
const MAX_STATEMENT = 80;

function findingsInWords(findings: readonly MigrationFinding[]): string {
  const shown = findings.slice(0, SHOWN).map(({ file, line, rule, statement }) => {
    const text = statement.length > MAX_STATEMENT ? `${statement.slice(0, MAX_STATEMENT - 1)}…` : statement;
    return `${file}:${line} ${rule} (${text})`;
  });
  const more = findings.length - shown.length;
  return shown.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

function whatWouldRun({ direction, pending }: NonNullable<MigrationStatus['plan']>): string {
  return `${direction === 'Up' ? 'apply' : 'undo by'} ${enumerated(pending)}`;
}

function enumerated(files: readonly string[]): string {
  const more = files.length - SHOWN;
  return files.slice(0, SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
