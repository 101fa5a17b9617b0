import type { MigrationSpec, MigrationStatus } from '../../api/v1alpha1/index.ts';
import type { MigrateResult, MigrationPlan } from '../../jobs/contract.ts';
import type { RunProgress } from '../runs/advance.ts';

type Known = Omit<MigrationStatus, 'conditions' | 'observedGeneration'>;

interface Visit {
  inputHash: string;
  mode: MigrationSpec['mode'];
  requestedAt: string | undefined;
  source: string;
  /** The restore point that the run goes back to. */
  restoreFrom: string | undefined;
}

/**
 * What is known of the database after a visit: what the run that it recorded has found, else what was known before.
 * @param visit the run that is wanted: its hash, its mode, the request that it answers, and where its files come from
 */
export function knownAfter(before: Known, progress: RunProgress | undefined, visit: Visit | undefined): Known {
  const { lockHolder: _, ...known } = before;
  if (!progress) return known;
  const { record, words, isSettled } = progress;
  const isHandled = visit !== undefined && record?.inputHash === visit.inputHash && visit.requestedAt !== undefined;
  return {
    ...(record?.number === before.run?.number ? known : withFindings(known, progress, visit)),
    ...(isSettled && visit && { source: visit.source }),
    ...(record && { run: definedOnly(record) }),
    ...(isHandled && { lastHandledRequestAt: visit.requestedAt }),
    ...(words?.lockHolder && { lockHolder: words.lockHolder }),
  };
}

/** With what a run found that has just ended. A plan that was carried out is none any more. */
function withFindings(before: Known, { record, result, refusal }: RunProgress, visit: Visit | undefined): Known {
  const { plan: _, planHash: __, ...known } = before;
  if (!result) {
    const { plan } = (refusal ?? {}) as { plan?: MigrationPlan };
    return {
      ...known,
      ...planFields(plan),
      ...(plan?.direction === 'Up' && { pending: plan.pending.slice(0, MAX_PENDING) }),
    };
  }
  const { ahead: ___, restorePointWarning, ...rest } = known;
  const { currentVersion, applied, pending, isAhead, plan } = result as MigrateResult;
  const at = record?.finishedAt;
  return {
    ...rest,
    currentVersion,
    applied: applied.map(({ version, name, durationMs, appliedAt }) => ({ version, name, durationMs, appliedAt })),
    pending: pending.slice(0, MAX_PENDING),
    ...(isAhead && { ahead: true }),
    ...(visit?.mode === 'Plan' && planFields(plan)),
    ...restorePointFields(result as MigrateResult, restorePointWarning),
    ...(visit?.restoreFrom && at && { restored: { restorePoint: visit.restoreFrom, at } }),
  };
}

/** A run that changed nothing has no say in what there is to go back to. */
function restorePointFields(
  { appliedByThisRun, restorePoint, restorePoints, restorePointWarning }: MigrateResult,
  before: string | undefined,
): Partial<Known> {
  const warning = restorePointWarning ?? (restorePoint || appliedByThisRun > 0 ? undefined : before);
  return {
    ...(restorePoint && { restorePoint }),
    ...(restorePoints && { restorePoints }),
    ...(warning && { restorePointWarning: warning }),
  };
}

const MAX_PENDING = 100;

function planFields(plan: MigrationPlan | undefined): Pick<Known, 'plan' | 'planHash'> {
  if (!plan) return {};
  const { hash, direction, pending, findings, leftOut } = plan;
  return { planHash: hash, plan: { direction, pending, findings, ...(leftOut && { leftOut }) } };
}

function definedOnly<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as T;
}
