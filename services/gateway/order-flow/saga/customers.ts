import { setTimeout as delay } from 'node:timers/promises';
import { type Account, unlessRefusedFor } from './account.ts';

export const PRODUCTS = Array.from({ length: 12 }, (_, index) => `p${index}`);
/** Of this there is too little for all. */
export const SCARCE = 'scarce';

/** What a customer will do. */
export interface Fate {
  readonly key: string;
  readonly lines: readonly { productId: string; qty: number }[];
  /** With the order, by a request of its own, or never. */
  readonly paying: 'at once' | 'later' | 'never';
  readonly token: string;
  readonly regret: 'cancels' | 'wants a refund' | undefined;
  readonly afterMs: number;
}

type Below = (bound: number) => number;

export function fateOf(index: number, below: Below): Fate {
  const pick = <T>(...shares: readonly (readonly [number, T])[]): T => {
    let left = below(shares.reduce((sum, [share]) => sum + share, 0));
    return shares.find(([share]) => (left -= share) < 0)![1];
  };
  const first = below(PRODUCTS.length);
  const lines = Array.from({ length: pick([2, 1], [1, 2], [1, 3]) }, (_, line) => ({
    productId: PRODUCTS[(first + line * 5) % PRODUCTS.length] as string,
    qty: 1 + below(3),
  }));
  return {
    key: `saga-${index}`,
    lines: below(100) < 15 ? [...lines, { productId: SCARCE, qty: 1 }] : lines,
    paying: pick([6, 'at once'], [2, 'later'], [1, 'never']),
    token: pick([4, 'tok_ok'], [1, 'tok_declined'], [1, 'tok_fraud']),
    regret: pick([6, undefined], [1, 'cancels'], [1, 'wants a refund']),
    afterMs: below(300),
  };
}

/** What a customer does with one order, who tries everything again until it is answered; the order's id. */
export async function live(account: Account, fate: Fate): Promise<string> {
  const { key, lines, paying, token } = fate;
  const payment = paying === 'at once' ? { payment: { method: 'PAYPAL', token } } : {};
  const order = { body: { lines, ...payment }, idempotencyKey: key };
  const { id } = await account.ask<{ id: string }>('POST', '/orders', order);
  if (paying === 'later') {
    const body = { orderId: id, method: 'CREDIT_CARD', token };
    await account
      .ask('POST', '/payments', { body, idempotencyKey: key, tooEarly: 'ORDER_NOT_PAYABLE' })
      .catch(unlessRefusedFor('ORDER_NOT_PAYABLE'));
  }
  if (fate.regret === undefined) return id;
  await delay(fate.afterMs);
  if (fate.regret === 'cancels') await account.ask('POST', `/orders/${id}/cancel`);
  else await refund(account, id);
  return id;
}

const REFUND_LOOKS = 50;

/** Wants the money back as soon as there is any; some orders never come to that. */
async function refund(account: Account, orderId: string): Promise<void> {
  for (let look = 1; look <= REFUND_LOOKS; look++) {
    const { items } = await account.ask<{ items: { id: string; status: string }[] }>(
      'GET',
      `/payments?orderId=${orderId}`,
    );
    const [payment] = items;
    if (payment && payment.status !== 'PENDING') {
      await account.ask('POST', `/payments/${payment.id}/refund`).catch(unlessRefusedFor('NOT_REFUNDABLE'));
      return;
    }
    await delay(100);
  }
}
