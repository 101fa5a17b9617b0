'use client';
import { useCallback, useMemo, useState } from 'react';
import { ask, sameOrigin } from '../gateway/ask.ts';
import { listOrders, listProducts, type OrderPage, type Product } from '../gateway/operations.ts';
import { OrderTracker } from './order-tracker.tsx';
import { ORDERS_AT_FIRST, ORDERS_AT_MOST, ORDERS_MORE } from './orders-shown.ts';
import { ProductList } from './product-list.tsx';
import { RecentOrders } from './recent-orders.tsx';
import { usePlacedOrders } from './use-placed-orders.ts';
import { type Remote, useRemote } from './use-remote.ts';

export interface ShopProps {
  products: Remote<Product[]>;
  orders: Remote<OrderPage>;
}

/** The whole shop: what can be bought, what was just ordered and how far it got, what the read model knows. */
export function Shop(initial: ShopProps) {
  const [shown, setShown] = useState(ORDERS_AT_FIRST);
  const loadOrders = useCallback((signal: AbortSignal) => askOrders(shown, signal), [shown]);
  const products = useRemote(initial.products, askProducts);
  const orders = useRemote(initial.orders, loadOrders, refreshOrdersAfter);
  const { placed, place, retry, dismiss } = usePlacedOrders(orders.reload);
  const names = useMemo(() => new Map(products.data?.map(({ id, name }) => [id, name])), [products.data]);
  const canShowMore = orders.data?.next != null && shown < ORDERS_AT_MOST;

  return (
    <div className="shop">
      <ProductList products={products} place={place} />
      <div className="orders">
        <OrderTracker placed={placed} retry={retry} dismiss={dismiss} />
        <RecentOrders
          orders={orders}
          names={names}
          placed={placed}
          showMore={canShowMore ? () => setShown(Math.min(ORDERS_AT_MOST, shown + ORDERS_MORE)) : undefined}
        />
      </div>
    </div>
  );
}

/** Soon while a new order is still to be confirmed or cancelled, which normally follows at once. */
function refreshOrdersAfter({ items }: OrderPage): number {
  const settling = items.some(
    ({ status, createdAt }) => status === 'PENDING' && Date.now() - Date.parse(createdAt) < 30_000,
  );
  return settling ? 500 : 5_000;
}

async function askProducts(signal: AbortSignal) {
  const answer = await ask(sameOrigin, listProducts, {}, { signal });
  return answer.kind === 'data' ? { ...answer, data: answer.data.products } : answer;
}

async function askOrders(first: number, signal: AbortSignal) {
  const answer = await ask(sameOrigin, listOrders, { first }, { signal });
  return answer.kind === 'data' ? { ...answer, data: answer.data.orders } : answer;
}
