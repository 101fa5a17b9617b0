/** When a Job runs again: never after it has succeeded for an input, after a while when it has failed, at once for a new input, and after a refusal for a new input only. */

export interface RunRecord {
  number: number;
  inputHash: string;
  outcome: 'Succeeded' | 'Failed';
  failures: number;
  startedAt?: string | undefined;
  finishedAt?: string | undefined;
  reason?: string | undefined;
  message?: string | undefined;
}

/** One Job as it is in the cluster. */
export interface ObservedRun {
  name: string;
  number: number;
  inputHash: string;
  /** Whether its program has begun: before, it can be taken back. */
  hasStarted: boolean;
  startedAt: string | undefined;
  end: RunEnd | undefined;
  /** What was noted on the Job when it was made. */
  annotations?: Readonly<Record<string, string>>;
}

export type RunEnd = { finishedAt: string | undefined } & (
  | { outcome: 'Succeeded'; result: unknown }
  | { outcome: 'Failed'; reason: string; message: string; /** What else it answered. */ result?: unknown }
);

export type RunPlan =
  | { step: 'settled' }
  | { step: 'record'; run: ObservedRun; end: RunEnd }
  | { step: 'await'; run: ObservedRun }
  | { step: 'takeBack'; run: ObservedRun }
  /** It has refused to go on: repeated for the same input, it would again. */
  | { step: 'refused' }
  | { step: 'backOff'; ms: number }
  | { step: 'start'; number: number };

/** What a Job answers where a person has to decide first. The decision is part of its input, and so starts another run. */
export const REFUSALS: ReadonlySet<string> = new Set(['DestructiveRejected', 'ApprovalRequired', 'DownRefused']);

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 300_000;

/**
 * The next step. `record` is the last run that the status tells of; Jobs above its number are news. Numbers only grow, so a name is never
 * used twice, whatever was pruned or deleted meanwhile.
 */
export function planRun(
  wantedHash: string,
  record: RunRecord | undefined,
  runs: readonly ObservedRun[],
  now: Date,
): RunPlan {
  const recorded = record?.number ?? 0;
  const [next] = runs.filter(({ number }) => number > recorded).toSorted((a, b) => a.number - b.number);
  if (next?.end) return { step: 'record', run: next, end: next.end };
  if (next && next.inputHash !== wantedHash && !next.hasStarted) return { step: 'takeBack', run: next };
  if (next) return { step: 'await', run: next };
  if (record?.inputHash === wantedHash) {
    if (record.outcome === 'Succeeded') return { step: 'settled' };
    if (REFUSALS.has(record.reason ?? '')) return { step: 'refused' };
    const ms = retryTime(record) - now.getTime();
    if (ms > 0) return { step: 'backOff', ms };
  }
  const used = Math.max(recorded, ...runs.map(({ number }) => number));
  return { step: 'start', number: used + 1 };
}

function retryTime({ failures, finishedAt }: RunRecord): number {
  const delay = Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LAST_RETRY_MS);
  return (finishedAt ? Date.parse(finishedAt) : 0) + delay;
}

/** What the status is to tell of a run that has ended. */
export function recordOf(
  { number, inputHash, startedAt }: ObservedRun,
  end: RunEnd,
  previous: RunRecord | undefined,
): RunRecord {
  const base = { number, inputHash, startedAt, finishedAt: end.finishedAt };
  if (end.outcome === 'Succeeded') return { ...base, outcome: 'Succeeded', failures: 0 };
  const inARow = previous?.inputHash === inputHash ? previous.failures : 0;
  return { ...base, outcome: 'Failed', failures: inARow + 1, reason: end.reason, message: end.message };
}

/**
 * Runs that nobody needs any more: those given up before they ended, and the ended ones but the newest few. The visit that comes to know of a run's end
 * removes what it makes superfluous, as there may be no visit after it. @param stored what the status told before this visit: only what it tells of may go
 */
export function superfluousRuns(
  stored: RunRecord | undefined,
  record: RunRecord | undefined,
  runs: readonly ObservedRun[],
  keep = 3,
): ObservedRun[] {
  const isStored = ({ number }: ObservedRun) => number <= (stored?.number ?? 0);
  const old = runs
    .filter(({ number, end }) => end && number <= (record?.number ?? 0))
    .toSorted((a, b) => b.number - a.number)
    .slice(keep);
  return [...runs.filter(({ end }) => !end), ...old].filter(isStored);
}
