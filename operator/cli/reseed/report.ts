/** What `reseed` says: whether a SeedJob can run, how its run gets on, and what it did. */
import type { OrderPlatform, SeedJob, SeedJobStatus } from '../../api/v1alpha1/index.ts';
import { findCondition } from '../../runtime/conditions.ts';
import type { Paint } from '../output.ts';

/** A new value has the seed run once. */
export const REQUESTED_AT = 'orderplane.dev/requestedAt';

type Run = NonNullable<SeedJobStatus['runs']>[number];

/** Where a request stands: without an end yet, ended by a run, or held up until a person does something. */
export type RequestState = { kind: 'pending' } | { kind: 'ended'; run: Run } | { kind: 'refused'; why: string };

/** Why a SeedJob would not run however often it were asked for, with what to do; undefined where it would. */
export function refusalOf(seed: SeedJob, platform: OrderPlatform | undefined): string | undefined {
  const { name, namespace } = seed.metadata;
  const platformName = seed.spec.platformRef.name;
  if (!platform)
    return `SeedJob ${name} is for OrderPlatform ${platformName}, which does not exist in namespace ${namespace}`;
  if (platform.spec.suspend)
    return `OrderPlatform ${platformName} is suspended, and its seeds do not run: set its spec.suspend to false first`;
  return needsPerson(seed);
}

/** What only a person can mend, of those faults that repeating does not even try to. */
const NEEDS_A_PERSON: ReadonlySet<string> = new Set(['ConfirmationRequired', 'InvalidSpec', 'StoreMissing']);

function needsPerson({ metadata: { name, generation }, status }: SeedJob): string | undefined {
  const stalled = findCondition(status?.conditions, 'Stalled');
  const isCurrent = stalled?.status === 'True' && stalled.observedGeneration === generation;
  return isCurrent && NEEDS_A_PERSON.has(stalled.reason)
    ? `SeedJob ${name} does not run: ${stalled.message}`
    : undefined;
}

/** Where a request stands. A run that failed is the end of it for whoever asked; the operator tries again. */
export function requestState(seed: SeedJob, requestedAt: string): RequestState {
  const run = seed.status?.runs?.find((each) => each.requestedAt === requestedAt);
  if (run) return { kind: 'ended', run };
  const why = needsPerson(seed);
  return why ? { kind: 'refused', why } : { kind: 'pending' };
}

/** How a run gets on, in the operator's words. */
export function progressOf({ status }: SeedJob): string {
  const ready = findCondition(status?.conditions, 'Ready');
  return ready?.status === 'False' ? ready.message : 'asked for; the operator is about to start it';
}

/** What a run did, a line a dataset; or why it failed. */
export function drawOutcome(name: string, run: Run, paint: Paint): string[] {
  const { number, outcome, startedAt, finishedAt, reason, message, datasets = [] } = run;
  const took =
    startedAt && finishedAt ? ` in ${Math.max(0, (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000)} s` : '';
  const rows = datasets.map((counts) => [
    counts.name,
    ...[counts.inserted, counts.updated, counts.skipped, counts.deleted ?? 0].map(String),
  ]);
  const done = table([['DATASET', 'INSERTED', 'UPDATED', 'UNCHANGED', 'DELETED'], ...rows]).map((line) => `  ${line}`);
  if (outcome === 'Failed') {
    return [
      `${paint('red', '✗')} SeedJob ${name}: run ${number} failed (${reason ?? 'no reason was given'})`,
      `  ${paint('red', message ?? 'no message was given')}`,
      '  The operator tries again by itself, after longer and longer pauses.',
      ...(rows.length > 0 ? ['', '  Written before it failed, and kept:', ...done] : []),
    ];
  }
  return [`${paint('green', '✓')} SeedJob ${name}: run ${number} succeeded${took}`, '', ...done];
}

function table(rows: readonly string[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '));
} // prettier-ignore
