import type { FailureReason } from '@orderplane/contracts/payments.ts';

export interface Charge {
  /** The same key again answers as before, and charges nothing. */
  readonly key: string;
  /** For the processor's books: what is paid for. */
  readonly reference: string;
  readonly amount: number;
  readonly method: string;
  readonly token: string;
}

export type ChargeOutcome = 'charged' | FailureReason;

/** Who moves the money. A call that rejects may have had its effect: it is made again with the same key. */
export interface Processor {
  charge(charge: Charge): Promise<ChargeOutcome>;
  /** Gives back, once, what was charged under the key. Where nothing was, nothing ever will be: the key is closed. */
  giveBack(charge: Charge): Promise<'given_back' | 'nothing_charged'>;
}
