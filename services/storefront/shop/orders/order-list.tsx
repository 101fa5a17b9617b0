'use client';
import Link from 'next/link';
import { useCallback } from 'react';
import { SignInFirst } from '../account/sign-in-first.tsx';
import { ask } from '../api.ts';
import type { Order, Page } from '../model.ts';
import { asksToSignIn, explain } from '../ui/explain.ts';
import { LocalTime } from '../ui/local-time.tsx';
import { formatAmount } from '../ui/money.ts';
import { Notice } from '../ui/notice.tsx';
import { useRemote } from '../ui/use-remote.ts';
import { type Products, useProducts } from '../use-products.ts';
import { useVisit } from '../visit.tsx';
import { isSettled } from './follow-order.ts';

const PER_PAGE = 20;
const NOTHING = {};

/** The visitor's orders, newest first; where the platform takes them of anybody, those of everybody. */
export function OrderList({ after }: { after: string | undefined }) {
  const { facts } = useVisit();
  const load = useCallback(
    (signal: AbortSignal) => {
      const query = new URLSearchParams({ first: String(PER_PAGE), ...(after === undefined ? {} : { after }) });
      return ask<Page<Order>>(`api/orders?${query}`, { signal });
    },
    [after],
  );
  const { data, problem } = useRemote<Page<Order>>(NOTHING, load, refreshAfter);
  const mustSignIn = problem !== undefined && asksToSignIn(problem);
  return (
    <section className="narrow" aria-labelledby="orders-title" aria-busy={!data && !problem}>
      <h1 id="orders-title">{facts?.user ? 'Your orders' : 'Recent orders'}</h1>
      {mustSignIn && <SignInFirst next="/orders" why="Your orders are yours alone." />}
      {problem && !mustSignIn && <Notice {...explain(problem)} />}
      {!data && !problem && <p className="empty">Loading orders…</p>}
      {data?.items.length === 0 && <NoOrders />}
      {data && data.items.length > 0 && !mustSignIn && <Orders orders={data.items} />}
      {!mustSignIn && <Pages after={after} next={data?.next ?? null} />}
    </section>
  );
}

/** Soon while an order is still to be confirmed or cancelled, which normally follows at once. */
function refreshAfter({ items }: Page<Order>): number {
  const isSettling = (order: Order) => !isSettled(order) && Date.now() - Date.parse(order.createdAt) < 30_000;
  return items.some(isSettling) ? 500 : 10_000;
}

function NoOrders() {
  return (
    <div className="empty">
      <strong>No orders yet</strong>
      <p>The first one appears here.</p>
      <Link className="button" href="/" prefetch={false}>
        Look around
      </Link>
    </div>
  );
}

/** What is asked for at once has a bound; an order with many lines is named by its first. */
const NAMED_LINES = 2;

function Orders({ orders }: { orders: Order[] }) {
  const ids = orders.flatMap(({ lines }) => lines.slice(0, NAMED_LINES).map(({ productId }) => productId));
  const { data: products } = useProducts(ids);
  return (
    <ul className="order-list">
      {orders.map((order) => (
        <li key={order.id} data-order={order.id}>
          <Link className="row-what" href={`/orders/${order.id}`} prefetch={false}>
            {contentsOf(order, products)}
          </Link>
          <span className="row-status" data-status={order.status.toLowerCase()}>
            {statusOf(order)}
          </span>
          <span className="row-when">
            <LocalTime iso={order.createdAt} />
          </span>
          <span className="price">{formatAmount(order.total)}</span>
        </li>
      ))}
    </ul>
  );
}

function contentsOf({ lines }: Order, products: Products | undefined): string {
  const named = lines.slice(0, NAMED_LINES);
  const names = named.map(({ productId, qty }) => `${qty} × ${products?.get(productId)?.name ?? productId}`);
  const more = lines.length - named.length;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
}

const STATUS: Record<Order['status'], string> = {
  PENDING: 'Placed',
  STOCK_RESERVED: 'Set aside',
  PAID: 'Paid',
  CONFIRMED: 'Confirmed',
  CANCELLED: 'Cancelled',
};

function statusOf({ status, refunded }: Order): string {
  return refunded ? 'Refunded' : STATUS[status];
}

function Pages({ after, next }: { after: string | undefined; next: string | null }) {
  if (after === undefined && next === null) return null;
  return (
    <nav className="pages" aria-label="Pages">
      {after !== undefined && (
        <Link className="button quiet" href="/orders" prefetch={false}>
          Newest orders
        </Link>
      )}
      {next !== null && (
        <Link className="button quiet" href={`/orders?after=${encodeURIComponent(next)}`} prefetch={false}>
          Older orders
        </Link>
      )}
    </nav>
  );
}
