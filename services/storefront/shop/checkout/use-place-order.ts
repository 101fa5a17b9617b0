'use client';
import { useCallback, useRef, useState } from 'react';
import type { Answer, Problem } from '../../gateway/problem.ts';
import { ask, randomKey } from '../api.ts';
import type { CreatedOrder } from '../model.ts';
import { isUncertain } from '../ui/explain.ts';
import type { Payment } from './payment.ts';

export interface NewOrder {
  lines: { productId: string; qty: number }[];
  payment?: Payment;
}

export type Placing =
  | { stage: 'idle' }
  | { stage: 'sending' }
  /** It may have arrived: only the very same may be sent again. */
  | { stage: 'uncertain'; problem: Problem }
  | { stage: 'refused'; problem: Problem }
  | { stage: 'placed' };

export interface UsePlaceOrder {
  placing: Placing;
  /** Resolves to nothing where the order is already on its way. */
  place: (order: NewOrder) => Promise<Answer<CreatedOrder> | undefined>;
}

/** Places an order once, however often and in however many loads of the page it is sent: each checkout has one idempotency key. */
export function usePlaceOrder(): UsePlaceOrder {
  const [placing, setPlacing] = useState<Placing>({ stage: 'idle' });
  const isUnderWay = useRef(false);

  const place = useCallback(async (order: NewOrder) => {
    if (isUnderWay.current) return undefined;
    isUnderWay.current = true;
    setPlacing({ stage: 'sending' });
    const idempotencyKey = keyOf(order);
    const answer = await ask<CreatedOrder>('api/orders', { method: 'POST', body: order, idempotencyKey });
    if (answer.kind === 'data') {
      forget();
      setPlacing({ stage: 'placed' });
      return answer; // and none after it: this checkout is over
    }
    isUnderWay.current = false;
    const { problem } = answer;
    setPlacing({ stage: isUncertain(problem) ? 'uncertain' : 'refused', problem });
    return answer;
  }, []);

  return { placing, place };
}

const KEPT = 'checkout';

/** The key under which this very order was sent before, in this tab, without an answer; or a new one. */
function keyOf(order: NewOrder): string {
  const body = JSON.stringify(order);
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? '{}') as { key?: string; body?: string };
    if (kept.key && kept.body === body) return kept.key;
    const key = randomKey();
    sessionStorage.setItem(KEPT, JSON.stringify({ key, body }));
    return key;
  } catch {
    return (memory = memory?.body === body ? memory : { key: randomKey(), body }).key;
  }
}

/** Where a browser refuses to store anything. */
let memory: { key: string; body: string } | undefined;

function forget(): void {
  memory = undefined;
  try {
    sessionStorage.removeItem(KEPT);
  } catch {
    // Nothing was stored.
  }
}
