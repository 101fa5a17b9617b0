/** Migrations as what there is to say of them: pure. */
import type { Migration, MigrationStatus, OrderPlatform } from '../../api/v1alpha1/index.ts';
import { READY, STALLED } from '../../api/v1alpha1/conditions.ts';
import { approvalCommand, policedBy } from '../../controllers/migration/approval.ts';
import { findCondition } from '../../runtime/conditions.ts';
import { maskValue } from '../mask.ts';
import type { State } from '../status/report.ts';

export interface MigrationReport {
  namespace: string;
  name: string;
  engine: string;
  database: string;
  mode: 'Apply' | 'Plan';
  state: State;
  /** Whether it is Ready for what its spec is now. */
  ready: boolean;
  /** Ready's reason; `Unseen` where the operator has not looked at the present spec. */
  reason: string;
  message?: string;
  /** Since when Ready is what it is. */
  since?: string;
  currentVersion?: string;
  pending: string[];
  lockHolder?: string;
  source?: string;
  run?: NonNullable<MigrationStatus['run']>;
  applied: NonNullable<MigrationStatus['applied']>;
  planHash?: string;
  plan?: NonNullable<MigrationStatus['plan']>;
  /** What to type to have the plan carried out, where that is what it waits for. */
  approve?: string;
}

/** @param platforms those of its namespace: of a release's Migration the platform has the say */
export function migrationReport(migration: Migration, platforms: readonly OrderPlatform[]): MigrationReport {
  const { metadata, spec, status = {} } = migration;
  const { currentVersion, pending = [], applied = [], lockHolder, source, run, plan, planHash } = status;
  const ready = findCondition(status.conditions, READY);
  const isUnseen =
    !ready || (ready.observedGeneration !== undefined && ready.observedGeneration !== metadata.generation);
  const policed = policedBy(migration, (name) => platforms.find((each) => each.metadata.name === name));
  const waits = !isUnseen && ready.reason === 'ApprovalRequired' && planHash !== undefined;
  return maskValue({
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    engine: spec.engine,
    database: spec.database,
    mode: spec.mode ?? 'Apply',
    state: stateOf(migration, isUnseen),
    ready: !isUnseen && ready.status === 'True',
    reason: isUnseen ? 'Unseen' : ready.reason,
    ...(!isUnseen && { message: ready.message, since: ready.lastTransitionTime }),
    ...(currentVersion && { currentVersion }),
    pending,
    ...(lockHolder && { lockHolder }),
    ...(source && { source }),
    ...(run && { run }),
    applied,
    ...(planHash && { planHash }),
    ...(plan && { plan }),
    ...(waits && { approve: approvalCommand(policed, planHash) }),
  }) as MigrationReport;
}

function stateOf({ status }: Migration, isUnseen: boolean): State {
  if (isUnseen) return 'pending';
  if (findCondition(status?.conditions, READY)?.status === 'True') return 'ok';
  return findCondition(status?.conditions, STALLED)?.status === 'True' ? 'failed' : 'waiting';
}
