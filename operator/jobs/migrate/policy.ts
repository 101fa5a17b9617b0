import type { MigrateInput, MigrationPlan, PlanFinding } from '../contract.ts';
import { JobError } from '../failures.ts';
import { isLeftOf, type Steps } from './plan.ts';
import type { MigrationFile } from './source.ts';

/** What destroys, or may. */
export const isDestructive = ({ severity }: PlanFinding): boolean =>
  severity === 'Destructive' || severity === 'Undecidable';

/** Refuses a plan that the policy does not let through, with the plan beside the refusal. */
export function refuseByPolicy(
  { policy, toVersion, approvedPlan }: MigrateInput,
  source: readonly MigrationFile[],
  steps: Steps,
  plan: MigrationPlan,
): void {
  if (steps.direction === 'Down' && policy.down === 'Refuse') {
    throw new JobError('DownRefused', downRefusal(toVersion, plan.pending), { plan });
  }
  const destructive = plan.findings.filter(isDestructive);
  const [first, ...others] = destructive;
  if (!first || policy.destructive === 'Allow') return;
  const what = `${first.file}:${first.line}: ${first.rule}: ${first.statement}${others.length > 0 ? ` (and ${others.length} more)` : ''}`;
  if (policy.destructive === 'Reject') {
    throw new JobError(
      'DestructiveRejected',
      `${what}; policy.destructive is Reject: nothing was applied. RequireApproval lets a person decide`,
      { plan },
    );
  }
  if (approvedPlan !== undefined && isLeftOf(approvedPlan, steps, source)) return;
  const voided = approvedPlan === undefined ? '' : `; the approval of ${approvedPlan} is of another plan`;
  throw new JobError(
    'ApprovalRequired',
    `${what}; nothing was applied: to let it run, approve plan ${plan.hash}${voided}`,
    { plan },
  );
}

export function downRefusal(toVersion: string, pending: readonly string[]): string {
  return `toVersion ${toVersion} is below the database's version, and policy.down is Refuse: ${pending.join(', ')} would run; set toVersion to latest, or policy.down to Allow`;
}
