import type { Answer, Problem } from '../../gateway/problem.ts';
import type { Order, TraceStep } from '../model.ts';
import { asksToSignIn } from '../ui/explain.ts';

/** What is known of an order so far. */
export interface Followed {
  order?: Order | undefined;
  /** What happened to it, where the visitor may know. */
  trace?: TraceStep[] | undefined;
  problem?: Problem | undefined;
  /** Whether nothing happened while it was waited for: it may be for the visitor to do something. */
  isQuiet: boolean;
}

export interface FollowOptions {
  /** What was known before: an order that was just placed, which the read model may not have yet. */
  known?: Order | undefined;
  /** Waits for a version, for a bounded time, and answers how far the order is then. */
  find: (minVersion: number) => Promise<Answer<Order>>;
  trace?: (() => Promise<Answer<{ steps: TraceStep[] }>>) | undefined;
  /** Resolves after so many milliseconds; rejects when the follower has gone. */
  delay: (ms: number) => Promise<void>;
}

const SETTLED = { firstMs: 1_000, maxMs: 20_000 };
const FAILED = { firstMs: 250, maxMs: 5_000 };
/** Where the answer did not wait by itself. */
const LEAST_MS = 50;

/**
 * Tells of an order whenever there is news, for as long as somebody listens: a confirmed one may still be cancelled, and
 * money of a cancelled one given back. A gateway that fails meanwhile is asked again. Ends where there is nothing to follow.
 */
export async function* followOrder({ known, find, trace, delay }: FollowOptions): AsyncGenerator<Followed> {
  let now: Followed = { order: known, isQuiet: false };
  let withoutNews = 0;
  let failures = 0;
  if (known) yield now;
  for (;;) {
    const answer = await find((now.order?.version ?? 0) + 1);
    if (answer.kind === 'problem') {
      const { problem } = answer;
      const isMissing = problem.code === 'ORDER_NOT_FOUND' || problem.code === 'BAD_USER_INPUT';
      const isOver = asksToSignIn(problem) || (isMissing && now.order === undefined);
      // Accepted, but not in the read model yet: that is no problem.
      if (!isMissing || isOver) yield (now = { ...now, problem });
      if (isOver) return;
      await delay(growing(FAILED, failures++));
      continue;
    }
    const order = answer.data;
    const isNews = now.order === undefined || order.version > now.order.version || now.problem !== undefined;
    withoutNews = isNews ? 0 : withoutNews + 1;
    failures = 0;
    if (isNews) {
      const told = await trace?.();
      now = { order, trace: told?.kind === 'data' ? told.data.steps : now.trace, isQuiet: false };
      yield now;
    } else if (!now.isQuiet) {
      yield (now = { ...now, isQuiet: true });
    }
    await delay(isSettled(order) ? growing(SETTLED, withoutNews) : LEAST_MS);
  }
}

export function isSettled({ status }: Order): boolean {
  return status === 'CONFIRMED' || status === 'CANCELLED';
}

function growing({ firstMs, maxMs }: { firstMs: number; maxMs: number }, times: number): number {
  return Math.min(maxMs, firstMs * 2 ** times);
}
