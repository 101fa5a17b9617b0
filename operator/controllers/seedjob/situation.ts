/** What is known of a SeedJob before anything is run. */
import { seedJobSpec, type SeedJob, type SeedJobSpec } from '../../api/v1alpha1/index.ts';
import { REQUESTED_AT } from '../../resources/labels.ts';
import { confirmToken, deletesRows, seedInputHash, type SeedOccasion } from '../../resources/seed-run.ts';
import { unmetMigration } from '../after.ts';
import type { Deps } from '../deps.ts';
import { Blocked, stalled } from '../fact.ts';
import { describeIssues } from '../invalid.ts';
import type { ObservedRun } from '../runs/plan.ts';
import { occasionOf, owedOccasion } from './occasion.ts';
import { unrecordedRun } from './replace.ts';
import { scheduleFault, scheduleState, type ScheduleState } from './schedule.ts';
import { configMapTexts } from './source.ts';
import { seedStores, type SeedStores } from './stores.ts';

/** As long as the status may tell of it. */
const MAX_REQUEST = 253;

export interface Situation {
  object: SeedJob;
  spec: SeedJobSpec;
  stores: SeedStores;
  /** The texts of ConfigMaps, by dataset. */
  texts: Record<string, string>;
  inputHash: string;
  requestedAt: string | undefined;
  /** What a person has to set before rows are deleted; undefined where nobody has to, or has done so. */
  missingToken: string | undefined;
  /** What is to run whatever the schedule says. */
  owed: SeedOccasion | undefined;
  /** What runs, or has ended and is not recorded yet. */
  running: ObservedRun | undefined;
  /** The Migration that is waited for, in words. */
  unmet: string | undefined;
  /** Whether no run may start now, whatever it is for. */
  isBlocked: boolean;
  schedule: ScheduleState | undefined;
}

/** Gathers it. Throws Blocked where the spec is wrong, or something that it refers to is not there. */
export async function assess(deps: Deps, object: SeedJob, signal: AbortSignal): Promise<Situation> {
  const parsed = seedJobSpec.safeParse(object.spec);
  if (!parsed.success) throw new Blocked(stalled('InvalidSpec', describeIssues(parsed.error)));
  const spec = parsed.data;
  const now = deps.clock.now();
  const fault = spec.schedule && scheduleFault(spec.schedule, now);
  if (fault) throw new Blocked(stalled('InvalidSpec', fault));
  const { namespace = '', uid = '', annotations } = object.metadata;
  const stores = seedStores(deps, namespace, spec);
  const texts = await configMapTexts(deps, spec, { namespace, signal });
  const { datasets, revision } = spec;
  const inputHash = seedInputHash({ datasets, revision, texts, identities: stores.identities });
  const requestedAt = annotations?.[REQUESTED_AT]?.slice(0, MAX_REQUEST) || undefined;
  const running = unrecordedRun(deps, object);
  const token = missingToken(object, spec, inputHash, uid);
  const unmet = unmetMigration(deps, namespace, spec.after);
  return {
    object,
    spec,
    stores,
    texts,
    inputHash,
    requestedAt,
    missingToken: token,
    owed: owedOccasion(inputHash, requestedAt, object.status),
    running,
    unmet,
    isBlocked: stores.isSuspended || unmet !== undefined || token !== undefined,
    schedule: scheduleOf(object, spec, running, now),
  };
}

function missingToken({ status }: SeedJob, spec: SeedJobSpec, inputHash: string, uid: string): string | undefined {
  if (!deletesRows(spec) || status?.confirmedHash === inputHash) return undefined;
  const token = confirmToken(uid, inputHash);
  return spec.confirm === token ? undefined : token;
}

/** A scheduled run tells on its Job when it was due: nothing is lost where its time did not come to be written into the status. */
function scheduleOf(
  { status }: SeedJob,
  { schedule }: SeedJobSpec,
  running: ObservedRun | undefined,
  now: Date,
): ScheduleState | undefined {
  if (!schedule) return undefined;
  const stored = status?.schedule;
  const lastScheduleTime = (running && occasionOf(running).scheduledFor) ?? stored?.lastScheduleTime;
  const other = status?.runs?.find(({ trigger, outcome }) => trigger !== 'Schedule' && outcome === 'Succeeded');
  const ran = other?.startedAt === undefined ? undefined : new Date(other.startedAt);
  return scheduleState(schedule, stored && { ...stored, ...(lastScheduleTime && { lastScheduleTime }) }, ran, now);
}
