'use client';
import Link from 'next/link';
import { useEffect } from 'react';
import { SignInFirst } from '../account/sign-in-first.tsx';
import type { Order } from '../model.ts';
import { asksToSignIn, explain } from '../ui/explain.ts';
import { formatAmount } from '../ui/money.ts';
import { Notice } from '../ui/notice.tsx';
import { useProducts } from '../use-products.ts';
import { useVisit } from '../visit.tsx';
import { CancelOrder } from './cancel-order.tsx';
import { PayOrder } from './pay-order.tsx';
import { headlineOf, reasonOf, stepsOf } from './steps.ts';
import { Timeline } from './timeline.tsx';
import { type UseOrder, useOrder } from './use-order.ts';

/** One order, followed while the page is open. */
export function OrderPage({ id }: { id: string }) {
  const { facts, refresh } = useVisit();
  const followed = useOrder(id, facts && facts.user !== null);
  const { order, problem } = followed;
  const mustSignIn = problem !== undefined && asksToSignIn(problem);
  useEffect(() => {
    if (mustSignIn) refresh();
  }, [mustSignIn, refresh]);
  return (
    <section className="narrow">
      <nav className="back" aria-label="Back">
        <Link href="/orders" prefetch={false}>
          All orders
        </Link>
      </nav>
      {!order && <h1>Your order</h1>}
      {!order && !problem && <p className="empty">Loading your order…</p>}
      {mustSignIn && <SignInFirst next={`/orders/${id}`} why="Only who ordered it may see this order." />}
      {problem && !mustSignIn && <Trouble {...followed} />}
      {order && !mustSignIn && <OrderDetails followed={followed} order={order} />}
    </section>
  );
}

function Trouble({ order, problem }: UseOrder) {
  if (!problem) return null;
  if (order || !['ORDER_NOT_FOUND', 'BAD_USER_INPUT'].includes(problem.code)) return <Notice {...explain(problem)} />;
  return (
    <Notice title="There is no such order" advice="Or it is not yours: your own are on the page of your orders." />
  );
}

function OrderDetails({ followed, order }: { followed: UseOrder; order: Order }) {
  const { trace, isQuiet, lookAgain } = followed;
  const { facts, announce } = useVisit();
  const isSignedIn = facts?.user != null;
  const canPay = isQuiet && order.status === 'STOCK_RESERVED' && facts?.features.payments === true && isSignedIn;
  const headline = headlineOf(order, canPay);
  const reason = order.status === 'CANCELLED' ? reasonOf(order, trace) : undefined;
  useEffect(() => {
    announce([headline, reason].filter(Boolean).join('. '));
  }, [headline, reason, announce]);
  return (
    <article className="order" data-status={order.status.toLowerCase()}>
      <h1>{headline}</h1>
      {reason && <p className="reason">{reason}</p>}
      {facts && <Timeline steps={stepsOf(order, trace, facts.features)} from={order.createdAt} />}
      {canPay && <PayOrder order={order} onPaid={lookAgain} />}
      <OrderLines order={order} />
      {isSignedIn && order.status !== 'CANCELLED' && order.version > 0 && (
        <CancelOrder order={order} onCancelled={lookAgain} />
      )}
      <p className="order-id">
        Order number <span>{order.id}</span>
      </p>
    </article>
  );
}

function OrderLines({ order: { lines, total } }: { order: Order }) {
  const { data } = useProducts(lines.map(({ productId }) => productId));
  return (
    <section className="summary" aria-labelledby="lines-title">
      <h2 id="lines-title">What you ordered</h2>
      <ul className="order-lines">
        {lines.map(({ productId, qty, price }) => (
          <li key={productId}>
            <span>
              <span className="times">{qty} ×</span> {data?.get(productId)?.name ?? productId}
            </span>
            <span className="price">{formatAmount(price * qty)}</span>
          </li>
        ))}
      </ul>
      <p className="order-total">
        Total <strong className="price">{formatAmount(total)}</strong>
      </p>
    </section>
  );
}
