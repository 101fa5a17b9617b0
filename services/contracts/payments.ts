/** How can be paid. The label `method` of the payments' metrics has these values. */
export const PAYMENT_METHODS = ['CREDIT_CARD', 'DEBIT_CARD', 'PAYPAL', 'BANK_TRANSFER'] as const;
export type PaymentMethod = (typeof PAYMENT_METHODS)[number];

/** Why a charge was refused. The label `failure_reason` of the payments' metrics has these values. */
export const FAILURE_REASONS = [
  'insufficient_funds',
  'card_declined',
  'expired_card',
  'fraud_suspected',
  'processor_error',
  // The order was cancelled before the processor had been asked.
  'order_cancelled',
] as const;
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** Tokens that the sandbox processor understands: what becomes of a charge with each. Any other token is refused as card_declined. */
export const SANDBOX_TOKENS: Readonly<Record<string, 'succeeds' | FailureReason>> = {
  tok_ok: 'succeeds',
  tok_insufficient_funds: 'insufficient_funds',
  tok_declined: 'card_declined',
  tok_expired: 'expired_card',
  tok_fraud: 'fraud_suspected',
  tok_error: 'processor_error',
};
