'use client';
import { useEffect, useRef } from 'react';
import { explainOrder } from './explain.ts';
import { formatAmount } from './money.ts';
import { Notice } from './notice.tsx';
import { Timeline } from './timeline.tsx';
import type { PlacedOrder, PlacedOrders } from './use-placed-orders.ts';

export interface OrderTrackerProps {
  placed: PlacedOrder[];
  retry: PlacedOrders['retry'];
  dismiss: PlacedOrders['dismiss'];
}

/** Shows how far the orders of this visit got: the newest, and all that are still on their way or need attention. */
export function OrderTracker({ placed, retry, dismiss }: OrderTrackerProps) {
  const section = useRef<HTMLElement>(null);
  const newest = placed[0];

  useEffect(() => {
    if (newest) section.current?.scrollIntoView({ block: 'nearest' });
  }, [newest?.key]);

  const shown = placed.filter((order, index) => index === 0 || order.progress.stage !== 'arrived');
  return (
    <section className="tracker" aria-labelledby="tracker-title" ref={section}>
      <h2 id="tracker-title">Your order</h2>
      <p className="visually-hidden" role="status">
        {newest && announcement(newest)}
      </p>
      {shown.length === 0 && <Waiting />}
      {shown.map((order) => (
        <Tracked key={order.key} order={order} retry={retry} dismiss={dismiss} />
      ))}
    </section>
  );
}

function Waiting() {
  return (
    <div className="card idle">
      <p>Order something and watch it travel: accepted by the gateway, then seen in the read model.</p>
      <Timeline progress={undefined} />
    </div>
  );
}

function Tracked({ order, retry, dismiss }: Omit<OrderTrackerProps, 'placed'> & { order: PlacedOrder }) {
  const { product, qty, progress, key } = order;
  if (progress.stage === 'rejected') {
    const { title, advice, canRetry } = explainOrder(progress.problem);
    const action = canRetry
      ? { label: 'Send again', run: () => void retry(order) }
      : { label: 'Dismiss', run: () => dismiss(key) };
    return <Notice title={title} advice={`${qty} × ${product.name}. ${advice}`} action={action} />;
  }
  return (
    <article className="card" aria-label={`${qty} × ${product.name}`}>
      <div className="card-title">
        <h3>
          <span className="times">{qty} ×</span> {product.name}
        </h3>
        <p className="price">{formatAmount(product.price * qty)}</p>
      </div>
      <Timeline progress={progress} />
      {'orderId' in progress && (
        <p className="order-id">
          <span className="visually-hidden">Order number </span>
          {progress.orderId}
        </p>
      )}
      {progress.stage === 'accepted' && progress.overdue && (
        <p className="hint">
          This takes longer than usual. The order is accepted and safe; it appears as soon as it can.
        </p>
      )}
    </article>
  );
}

function announcement({ product, qty, progress }: PlacedOrder): string {
  const what = `${qty} × ${product.name}`;
  switch (progress.stage) {
    case 'sending':
      return `Ordering ${what}`;
    case 'accepted':
      return `${what}: order accepted`;
    case 'arrived':
      return `${what}: order in the read model after ${progress.arrivedMs} milliseconds`;
    case 'rejected':
      return ''; // the notice is an alert of its own
  }
}
