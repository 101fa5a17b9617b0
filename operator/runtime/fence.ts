import type { Clock } from './clock.ts';

/** Says whether this process may change anything now. */
export interface Fence {
  /** Why nothing may be written; undefined while writing is allowed. Asked when a request is about to leave. */
  closed(): Error | undefined;
  /** Aborts when the fence closes after it was open, which is for good: what is under way is cut off. */
  readonly signal: AbortSignal;
}

/** A write that was not sent, or was cut off, because this process does not lead (any more). */
export class FencedError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FencedError';
  }
}

/** A moment on both clocks of a machine: the steady one stands still while a virtual machine is paused. */
export interface Moment {
  elapsed: number;
  time: number;
}

/** A fence that opens when it is extended, and closes by itself when that is not repeated in time. */
export interface DeadlineFence extends Fence {
  moment(): Moment;
  /** Keeps the fence open until the deadline counted from `since`. No effect once it has closed. */
  extend(since: Moment): void;
  close(reason: string): void;
}

export function createDeadlineFence(clock: Clock, deadlineMs: number): DeadlineFence {
  const ended = new AbortController();
  let since: Moment | undefined;
  let cancelDeadline = () => {};

  const moment = (): Moment => ({ elapsed: clock.elapsed(), time: clock.now().getTime() });
  /** By the clock that moved more: closing too early costs a restart, too late two writers. */
  const age = (from: Moment) => Math.max(clock.elapsed() - from.elapsed, clock.now().getTime() - from.time);
  function close(reason: string): void {
    cancelDeadline();
    if (!ended.signal.aborted) ended.abort(new FencedError(reason));
  }
  const expire = () => close(`the lease was not renewed for ${deadlineMs / 1000} s`);

  return {
    signal: ended.signal,
    moment,
    close,
    closed() {
      if (since && !ended.signal.aborted && age(since) >= deadlineMs) expire();
      if (ended.signal.aborted) return ended.signal.reason as Error;
      return since ? undefined : new FencedError('this process does not lead');
    },
    extend(from) {
      if (ended.signal.aborted) return;
      since = from;
      cancelDeadline();
      cancelDeadline = clock.setTimeout(expire, Math.max(0, deadlineMs - age(from)));
    },
  };
}
