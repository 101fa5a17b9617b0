'use client';
import { useSyncExternalStore } from 'react';
import type { Order, OrderPage } from '../gateway/operations.ts';
import { explain } from './explain.ts';
import { formatMs } from './timeline.tsx';
import type { PlacedOrder } from './use-placed-orders.ts';
import type { UseRemote } from './use-remote.ts';

export interface RecentOrdersProps {
  orders: UseRemote<OrderPage>;
  /** Names of products by id. */
  names: ReadonlyMap<string, string>;
  /** Orders of this visit, to show how long they took. */
  placed: PlacedOrder[];
  showMore: (() => void) | undefined;
}

/** What the read model has, newest first. */
export function RecentOrders({ orders, names, placed, showMore }: RecentOrdersProps) {
  const { data, problem } = orders;
  return (
    <section className="recent" aria-labelledby="recent-title" aria-busy={!data && !problem}>
      <h2 id="recent-title">Recent orders</h2>
      {problem && (
        <p className="trouble">
          {data ? 'Not current' : 'Not available'}: {explain(problem).title.toLowerCase()}. Trying again…
        </p>
      )}
      {!data && !problem && <p className="empty">Loading orders…</p>}
      {data?.items.length === 0 && <p className="empty">No orders yet. The first one appears here.</p>}
      {data && data.items.length > 0 && (
        <ul className="order-list">
          {data.items.map((order) => (
            <OrderRow key={order.id} order={order} name={names.get(order.productId)} tookMs={timeOf(order, placed)} />
          ))}
        </ul>
      )}
      {showMore && (
        <button type="button" className="button quiet wide" onClick={showMore}>
          Show more
        </button>
      )}
    </section>
  );
}

function OrderRow({ order, name, tookMs }: { order: Order; name: string | undefined; tookMs: number | undefined }) {
  return (
    <li data-order={order.id} className={tookMs !== undefined ? 'fresh' : undefined}>
      <span className="row-what">
        <span className="times">{order.qty} ×</span> {name ?? order.productId}
      </span>
      <span className="row-status" data-status={order.status.toLowerCase()}>
        {order.status.toLowerCase()}
      </span>
      <span className="row-when">
        <LocalTime iso={order.createdAt} />
        {tookMs !== undefined && ` · seen after ${formatMs(tookMs)}`}
      </span>
    </li>
  );
}

function timeOf(order: Order, placed: PlacedOrder[]): number | undefined {
  const own = placed.find(({ progress }) => progress.stage === 'arrived' && progress.orderId === order.id);
  return own?.progress.stage === 'arrived' ? own.progress.arrivedMs : undefined;
}

/** The server does not know the visitor's time zone: it leaves the place empty, the browser fills it. */
function LocalTime({ iso }: { iso: string }) {
  const inBrowser = useSyncExternalStore(
    subscribeToNothing,
    () => true,
    () => false,
  );
  const time = new Date(iso);
  if (!inBrowser || Number.isNaN(time.getTime())) return <time dateTime={iso} />;
  const today = time.toDateString() === new Date().toDateString();
  const text = today
    ? time.toLocaleTimeString()
    : time.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
  return <time dateTime={iso}>{text}</time>;
}

const subscribeToNothing = () => () => undefined;
