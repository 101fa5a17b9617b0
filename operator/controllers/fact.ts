import { toError } from '../runtime/index.ts';

/**
 * What a reconcile found of one thing that has to hold. `waiting` comes right by itself, `stalled` needs a person, `pending` was
 * not looked at because something earlier is missing. Where nothing will report a change, `retryAfterMs` says when to look again.
 */
export type Fact = {
  reason: string;
  message: string;
  retryAfterMs?: number;
  /** Set where it has waited for longer than it may: what waits, and for how long. It is tried on all the same. */
  overdue?: string;
  /** Set where work on it is under way and gets on: that takes as long as it takes, and counts against no deadline. */
  getsOn?: true;
} & {
  state: 'holds' | 'waiting' | 'stalled' | 'pending';
};

/**
 * Secrets and ConfigMaps of the user's own are not watched: one that is missing, or wrong, is looked at again after this long, which is
 * what its user waits for after putting it right.
 */
export const FAULT_POLL_MS = 3_000;

export function holds(reason: string, message: string, retryAfterMs?: number): Fact {
  return { state: 'holds', reason, message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

export function waiting(reason: string, message: string, retryAfterMs?: number): Fact {
  return { state: 'waiting', reason, message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

/** The same, of which it is known whether work on it gets on. */
export function gettingOn(fact: Fact, getsOn: boolean): Fact {
  const { getsOn: _, ...rest } = fact;
  return getsOn ? { ...rest, getsOn } : rest;
}

export function stalled(reason: string, message: string, retryAfterMs?: number): Fact {
  return { state: 'stalled', reason, message, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}

export function pending(message: string): Fact {
  return { state: 'pending', reason: 'Pending', message };
}

/** The one that is in the way: the first that does not hold, those before `pending` ones. */
export function blockingFact(facts: readonly Fact[]): Fact | undefined {
  return (
    facts.find(({ state }) => state === 'stalled' || state === 'waiting') ??
    facts.find(({ state }) => state === 'pending')
  );
}

/** When the first of them wants to be looked at again; undefined where changes are reported. */
export function nextLook(facts: readonly Fact[]): number | undefined {
  return soonest(...facts.map(({ retryAfterMs }) => retryAfterMs));
}

/** The smallest of the times that there are. */
export function soonest(...times: readonly (number | undefined)[]): number | undefined {
  const given = times.filter((time) => time !== undefined);
  return given.length > 0 ? Math.min(...given) : undefined;
}

/** Ends a stage: what stands in the way cannot be got round by trying again soon. */
export class Blocked extends Error {
  readonly fact: Fact;

  constructor(fact: Fact) {
    super(fact.message);
    this.name = 'Blocked';
    this.fact = fact;
  }
}

/**
 * Runs a piece of work to a finding. What it throws becomes one too; what was not meant as one comes back as `error` as well, for the
 * queue to retry once the status has been written.
 */
export async function toFinding<F extends { fact: Fact }>(
  work: () => Promise<F>,
): Promise<{ finding: F | { fact: Fact }; error?: Error }> {
  try {
    return { finding: await work() };
  } catch (thrown) {
    if (thrown instanceof Blocked) return { finding: { fact: thrown.fact } };
    const error = toError(thrown);
    return { finding: { fact: waiting('Error', error.message) }, error };
  }
}
