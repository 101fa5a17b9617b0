import type { EventOf, PaymentInstruction } from '@orderplane/contracts/events.ts';
import type { FailureReason } from '@orderplane/contracts/payments.ts';
import type { PaymentTopic } from '@orderplane/contracts/topics.ts';
import { CodedError } from '@orderplane/shared/errors.ts';
import type { ChargeOutcome } from '../processor/processor.ts';

export interface Payment extends PaymentInstruction {
  readonly id: string;
  readonly amount: number;
  readonly status: 'PENDING' | 'SUCCEEDED' | 'FAILED' | 'REFUNDED';
  readonly failureReason?: FailureReason | undefined;
  /** Its money is to be given back. */
  readonly isRefundWanted: boolean;
  readonly idempotencyKey?: string | undefined;
}

/** What one order owes and has paid. */
export interface Account {
  /** undefined: not known yet, its stock is not reserved. */
  readonly amount?: number | undefined;
  /** Whose order it is; undefined: an anonymous one. */
  readonly userId?: string | undefined;
  readonly isCancelled: boolean;
  readonly payment?: Payment | undefined;
}

export interface NewPayment extends PaymentInstruction {
  readonly id: string;
  readonly idempotencyKey?: string | undefined;
}

export type Command =
  /** Its stock is reserved; with a payment it is paid at once. */
  | { readonly type: 'make_payable'; readonly amount: number; readonly userId?: string | undefined; readonly payment?: NewPayment | undefined }
  | { readonly type: 'pay'; readonly userId: string | undefined; readonly payment: NewPayment }
  | { readonly type: 'cancel' }
  | { readonly type: 'refund' }
  /** What the processor answered. */
  | { readonly type: 'charged'; readonly outcome: ChargeOutcome }
  | { readonly type: 'given_back'; readonly outcome: 'given_back' | 'nothing_charged' }; // prettier-ignore

export type PaymentEvent = {
  [T in PaymentTopic]: { readonly type: T; readonly data: EventOf<T>['data'] };
}[PaymentTopic];

export interface Decision {
  readonly next: Account;
  readonly events: readonly PaymentEvent[];
}

export const UNKNOWN: Account = { isCancelled: false };

/**
 * What a command leads to. An order has one payment at most. Money that was charged for an order that is cancelled, before or after, is
 * wanted back. Throws a CodedError for what is refused.
 */
export function decide(account: Account, command: Command): Decision {
  switch (command.type) {
    case 'make_payable': {
      if (account.amount !== undefined) return unchanged(account);
      const { amount, userId, payment } = command;
      const payable = { ...account, amount, userId };
      return payment && !account.isCancelled ? begin(payable, amount, payment) : unchanged(payable);
    }
    case 'pay':
      return pay(account, command.userId, command.payment);
    case 'cancel':
      return wantRefund({ ...account, isCancelled: true });
    case 'refund':
      if (account.payment?.status !== 'SUCCEEDED' && account.payment?.status !== 'REFUNDED') {
        throw new CodedError('NOT_REFUNDABLE');
      }
      return wantRefund(account);
    case 'charged':
      return charged(account, command.outcome);
    case 'given_back':
      return givenBack(account, command.outcome);
  }
}

/** What has to be asked of the processor now. */
export function nextStep({ isCancelled, payment }: Account): 'charge' | 'give_back' | undefined {
  // It may have been charged before whoever asked died: the processor knows.
  if (payment?.status === 'PENDING') return isCancelled ? 'give_back' : 'charge';
  return payment?.status === 'SUCCEEDED' && payment.isRefundWanted ? 'give_back' : undefined;
}

function pay(account: Account, userId: string | undefined, payment: NewPayment): Decision {
  const { amount, payment: known } = account;
  if (account.userId !== userId) throw new CodedError('ORDER_NOT_PAYABLE');
  if (known && payment.idempotencyKey !== undefined && known.idempotencyKey === payment.idempotencyKey) {
    const isSame = known.method === payment.method && known.token === payment.token;
    if (!isSame) throw new CodedError('IDEMPOTENCY_KEY_REUSED');
    return unchanged(account);
  }
  if (amount === undefined || account.isCancelled || known) throw new CodedError('ORDER_NOT_PAYABLE');
  return begin(account, amount, payment);
}

function begin(account: Account, amount: number, payment: NewPayment): Decision {
  const begun: Account = { ...account, payment: { ...payment, amount, status: 'PENDING', isRefundWanted: false } };
  // Nothing to charge: nobody has to be asked.
  return amount === 0 ? charged(begun, 'charged') : unchanged(begun);
}

function charged(account: Account, outcome: ChargeOutcome): Decision {
  const { payment } = account;
  if (payment?.status !== 'PENDING') return unchanged(account);
  if (outcome !== 'charged') return failed(account, payment, outcome);
  const next = {
    ...account,
    payment: { ...payment, status: 'SUCCEEDED' as const, isRefundWanted: account.isCancelled },
  };
  return { next, events: [{ type: 'payment_processed', data: dataOf(payment) }] };
}

function failed(account: Account, payment: Payment, failureReason: FailureReason): Decision {
  return {
    next: { ...account, payment: { ...payment, status: 'FAILED', failureReason } },
    events: [{ type: 'payment_failed', data: { ...dataOf(payment), failureReason } }],
  };
}

function wantRefund(account: Account): Decision {
  const { payment } = account;
  if (payment?.status !== 'SUCCEEDED') return unchanged(account);
  const wanted = { ...account, payment: { ...payment, isRefundWanted: true } };
  return payment.amount === 0 ? givenBack(wanted, 'given_back') : unchanged(wanted);
}

function givenBack(account: Account, outcome: 'given_back' | 'nothing_charged'): Decision {
  const { payment } = account;
  if (!payment || nextStep(account) !== 'give_back') return unchanged(account);
  if (outcome === 'nothing_charged') {
    if (payment.status === 'PENDING') return failed(account, payment, 'order_cancelled');
    throw new Error(`the processor does not know of payment ${payment.id}, which it had charged`);
  }
  const refunded: PaymentEvent = { type: 'payment_refunded', data: dataOf(payment) };
  const processed: PaymentEvent = { type: 'payment_processed', data: dataOf(payment) };
  return {
    next: { ...account, payment: { ...payment, status: 'REFUNDED' } },
    events: payment.status === 'PENDING' ? [processed, refunded] : [refunded],
  };
}

function dataOf({ id: paymentId, amount, method }: Payment) {
  return { paymentId, amount, method };
}

function unchanged(next: Account): Decision {
  return { next, events: [] };
}
