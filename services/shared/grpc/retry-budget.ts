/** Of the calls to a service, this share may be made again. */
const SHARE = 0.1;
/** As much as may be made again at once: a service that is asked rarely is tried again, too. */
const RESERVE = 10;

export interface RetryBudget {
  /** To be told of every first attempt. */
  call(): void;
  /** Whether a call may be made once more, which is then spent. */
  spend(): boolean;
}

/**
 * Keeps a client from making an overloaded service's trouble worse: in the long run it makes at most a tenth more calls than it is asked to,
 * however many fail.
 */
export function retryBudget(): RetryBudget {
  let tokens = RESERVE;
  return {
    call: () => void (tokens = Math.min(RESERVE, tokens + SHARE)),
    spend() {
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
