'use client';
import { useCallback, useEffect, useRef, useState } from 'react';
import { ask, type Problem, sameOrigin } from '../gateway/ask.ts';
import { createOrder, findOrder, type Order, type Product } from '../gateway/operations.ts';
import { followOrder } from './follow-order.ts';

/** From the answer to the order this long without it in the read model, the visitor is told that it takes longer. */
const OVERDUE_MS = 5_000;

/** Where an order is that was placed in this visit. Times are whole milliseconds since it was sent. */
export type Progress =
  | { stage: 'sending' }
  | { stage: 'rejected'; problem: Problem }
  | { stage: 'accepted'; orderId: string; acceptedMs: number; overdue: boolean }
  | { stage: 'arrived'; orderId: string; acceptedMs: number; arrivedMs: number; order: Order };

export interface PlacedOrder {
  /** Its idempotency key: sent again with it, the order is still placed once. */
  key: string;
  product: Product;
  qty: number;
  progress: Progress;
}

export interface PlacedOrders {
  /** Newest first. */
  placed: PlacedOrder[];
  place: (product: Product, qty: number) => Promise<Progress>;
  retry: (order: PlacedOrder) => Promise<Progress>;
  dismiss: (key: string) => void;
}

/** Places orders and follows each until the read model shows it. */
export function usePlacedOrders(onArrived: () => void): PlacedOrders {
  const [placed, setPlaced] = useState<PlacedOrder[]>([]);
  const leaving = useAbortOnUnmount();

  const report = useCallback((key: string, progress: Progress) => {
    setPlaced((all) => all.map((one) => (one.key === key ? { ...one, progress } : one)));
    return progress;
  }, []);

  const follow = useCallback(
    async (key: string, orderId: string, acceptedMs: number, sinceSent: () => number) => {
      const signal = leaving();
      const overdue = setTimeout(report, OVERDUE_MS, key, { stage: 'accepted', orderId, acceptedMs, overdue: true });
      try {
        const find = () => ask(sameOrigin, findOrder, { id: orderId }, { signal });
        const order = await followOrder({ find, delay: (ms) => delay(ms, signal), now: () => performance.now() });
        report(key, { stage: 'arrived', orderId, acceptedMs, arrivedMs: sinceSent(), order });
        onArrived();
      } catch {
        // The visitor left: nobody is there to be told.
      } finally {
        clearTimeout(overdue);
      }
    },
    [leaving, report, onArrived],
  );

  const send = useCallback(
    async ({ key, product, qty }: Omit<PlacedOrder, 'progress'>) => {
      const start = performance.now();
      const sinceSent = () => Math.round(performance.now() - start);
      const answer = await ask(sameOrigin, createOrder, { productId: product.id, qty }, { idempotencyKey: key });
      if (answer.kind === 'problem') return report(key, { stage: 'rejected', problem: answer.problem });

      const orderId = answer.data.createOrder.id;
      const acceptedMs = sinceSent();
      void follow(key, orderId, acceptedMs, sinceSent);
      return report(key, { stage: 'accepted', orderId, acceptedMs, overdue: false });
    },
    [report, follow],
  );

  const place = useCallback(
    (product: Product, qty: number) => {
      const order = { key: randomKey(), product, qty };
      setPlaced((all) => [{ ...order, progress: { stage: 'sending' } }, ...all]);
      return send(order);
    },
    [send],
  );

  const retry = useCallback(
    (order: PlacedOrder) => {
      report(order.key, { stage: 'sending' });
      return send(order);
    },
    [report, send],
  );

  const dismiss = useCallback((key: string) => setPlaced((all) => all.filter((one) => one.key !== key)), []);

  return { placed, place, retry, dismiss };
}

/** Unlike crypto.randomUUID, this works where the shop is not served over HTTPS. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The signal of this mount; React may mount, unmount and mount again. */
function useAbortOnUnmount(): () => AbortSignal {
  const current = useRef(new AbortController());
  useEffect(() => {
    if (current.current.signal.aborted) current.current = new AbortController();
    return () => current.current.abort();
  }, []);
  return useCallback(() => current.current.signal, []);
}

function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', stop);
      resolve();
    }, ms);
    signal.addEventListener('abort', stop, { once: true });
  });
}
