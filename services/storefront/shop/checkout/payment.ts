/** How can be paid, by the platform's names of it. */
export const METHODS = [
  ['CREDIT_CARD', 'Credit card'],
  ['DEBIT_CARD', 'Debit card'],
  ['PAYPAL', 'PayPal'],
  ['BANK_TRANSFER', 'Bank transfer'],
] as const;

/** What the sandbox, which stands for a card company, does with each of its accounts. */
export const SANDBOX_ACCOUNTS = [
  ['tok_ok', 'One that pays'],
  ['tok_insufficient_funds', 'One without enough money'],
  ['tok_declined', 'One whose bank says no'],
  ['tok_expired', 'One that has expired'],
  ['tok_fraud', 'One that looks like fraud'],
  ['tok_error', 'One whose bank is out of order'],
] as const;

export interface Payment {
  method: string;
  token: string;
}

export const FIRST_PAYMENT: Payment = { method: METHODS[0][0], token: SANDBOX_ACCOUNTS[0][0] };

/** Why a charge was refused, in words. */
const REFUSALS: Record<string, string> = {
  insufficient_funds: 'There was not enough money on the account.',
  card_declined: 'The bank declined the payment.',
  expired_card: 'The card has expired.',
  fraud_suspected: 'The bank suspected a fraud.',
  processor_error: 'The bank could not be reached.',
  order_cancelled: 'The order was cancelled before it was paid.',
};

export function refusalOf(reason: string): string | undefined {
  return REFUSALS[reason];
}
