'use client';
import { type FormEvent, useRef, useState } from 'react';
import type { Problem } from '../../gateway/problem.ts';
import { ask, randomKey } from '../api.ts';
import { FIRST_PAYMENT, type Payment } from '../checkout/payment.ts';
import { PaymentChoice } from '../checkout/payment-choice.tsx';
import type { Order } from '../model.ts';
import { explain } from '../ui/explain.ts';
import { formatAmount } from '../ui/money.ts';
import { Notice } from '../ui/notice.tsx';

/** Pays for an order that waits for it. A refused payment shows in the order itself, which it cancels. */
export function PayOrder({ order, onPaid }: { order: Order; onPaid: () => void }) {
  const [payment, setPayment] = useState<Payment>(FIRST_PAYMENT);
  const [sending, setSending] = useState(false);
  const [problem, setProblem] = useState<Problem>();
  /** One for each choice: sent again, the same payment is made once. */
  const sent = useRef({ payment, key: '' });

  const pay = async (event: FormEvent) => {
    event.preventDefault();
    if (sending) return;
    if (sent.current.key === '' || sent.current.payment !== payment) sent.current = { payment, key: randomKey() };
    setSending(true);
    setProblem(undefined);
    const body = { orderId: order.id, ...payment };
    const answer = await ask('api/payments', { method: 'POST', body, idempotencyKey: sent.current.key });
    setSending(false);
    if (answer.kind === 'problem') setProblem(answer.problem);
    onPaid();
  };

  return (
    <form className="checkout" aria-label="Pay for this order" onSubmit={(event) => void pay(event)}>
      <PaymentChoice
        payment={payment}
        onChange={(next) => next && setPayment(next)}
        disabled={sending}
        canWait={false}
      />
      {problem && <Notice {...explain(problem)} />}
      <button type="submit" className="button" aria-disabled={sending}>
        {sending ? 'Paying…' : `Pay ${formatAmount(order.total)}`}
      </button>
    </form>
  );
}
