'use client';
import { useCallback, useEffect, useRef, useState } from 'react';
import { ask } from '../api.ts';
import type { Order, TraceStep } from '../model.ts';
import { pauseWhileHidden } from '../ui/pause.ts';
import { type Followed, followOrder } from './follow-order.ts';
import { rememberedOrder } from './placed.ts';

export interface UseOrder extends Followed {
  /** Asks at once: the visitor did something. */
  lookAgain: () => void;
}

/** Follows an order while its page is open. Only with an account one may know how it came about. */
export function useOrder(id: string, mayTrace: boolean | undefined): UseOrder {
  const [followed, setFollowed] = useState<Followed>({ isQuiet: false });
  const [turn, setTurn] = useState(0);
  const last = useRef<Order>(undefined);

  useEffect(() => {
    if (mayTrace === undefined) return;
    const abort = new AbortController();
    const { signal } = abort;
    const path = `api/orders/${encodeURIComponent(id)}`;
    const follow = async () => {
      const following = followOrder({
        known: last.current ?? rememberedOrder(id),
        find: (minVersion) => ask<Order>(`${path}?minVersion=${minVersion}`, { signal }),
        trace: mayTrace ? () => ask<{ steps: TraceStep[] }>(`${path}/trace`, { signal }) : undefined,
        delay: (ms) => pauseWhileHidden(ms, signal),
      });
      for await (const next of following) {
        if (signal.aborted) return;
        last.current = next.order;
        setFollowed((before) => ({ ...next, trace: next.trace ?? before.trace }));
      }
    };
    follow().catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    return () => abort.abort();
  }, [id, mayTrace, turn]);

  const lookAgain = useCallback(() => setTurn((before) => before + 1), []);
  return { ...followed, lookAgain };
}
