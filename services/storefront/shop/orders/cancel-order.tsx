'use client';
import { useEffect, useRef, useState } from 'react';
import type { Problem } from '../../gateway/problem.ts';
import { ask } from '../api.ts';
import type { Order } from '../model.ts';
import { explain } from '../ui/explain.ts';
import { Notice } from '../ui/notice.tsx';

/** Asks once more before it cancels. */
export function CancelOrder({ order, onCancelled }: { order: Order; onCancelled: () => void }) {
  const [stage, setStage] = useState<'idle' | 'asking' | 'sending'>('idle');
  const [problem, setProblem] = useState<Problem>();
  const keep = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (stage === 'asking') keep.current?.focus();
  }, [stage]);

  const cancel = async () => {
    setStage('sending');
    setProblem(undefined);
    const answer = await ask(`api/orders/${order.id}/cancel`, { method: 'POST' });
    if (answer.kind === 'data') return onCancelled();
    setStage('idle');
    setProblem(answer.problem);
  };

  return (
    <div className="cancel-order">
      {problem && <Notice {...explain(problem)} />}
      {stage === 'idle' ? (
        <button type="button" className="button quiet" onClick={() => setStage('asking')}>
          Cancel this order
        </button>
      ) : (
        <div role="group" aria-label="Cancel this order?" className="sure">
          <p>
            {order.status === 'STOCK_RESERVED' || order.status === 'PENDING'
              ? 'Your things go back on the shelf.'
              : 'Your things go back on the shelf, and your money to you.'}
          </p>
          <p className="actions">
            <button type="button" className="button quiet" ref={keep} onClick={() => setStage('idle')}>
              Keep it
            </button>
            <button
              type="button"
              className="button danger"
              aria-disabled={stage === 'sending'}
              onClick={() => stage === 'asking' && void cancel()}
            >
              {stage === 'sending' ? 'Cancelling…' : 'Yes, cancel it'}
            </button>
          </p>
        </div>
      )}
    </div>
  );
}
