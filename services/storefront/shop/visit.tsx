'use client';
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';
import type { Features } from '../gateway/features.ts';
import { ask } from './api.ts';
import { type Remote, useRemote } from './ui/use-remote.ts';

export interface Visitor {
  name: string;
}

export interface VisitFacts {
  /** What the platform has. */
  features: Features;
  /** Null: not signed in. */
  user: Visitor | null;
}

export interface Visit {
  /** Undefined while nobody could say. */
  facts: VisitFacts | undefined;
  /** Asks anew who is signed in: after somebody did, or no longer is. */
  refresh: () => void;
  /** Says something to those who do not see the page. */
  announce: (message: string) => void;
}

const VisitContext = createContext<Visit | undefined>(undefined);

export function useVisit(): Visit {
  const visit = useContext(VisitContext);
  if (!visit) throw new Error('useVisit is for what is inside a VisitProvider');
  return visit;
}

/** What all pages know of the visitor and the platform. The server tells at first what it knows by itself. */
export function VisitProvider({ initial, children }: { initial: Remote<VisitFacts>; children: ReactNode }) {
  const { data, reload } = useRemote(initial, loadFacts);
  const [message, setMessage] = useState('');
  const announce = useCallback((next: string) => {
    // The same words again are news, too.
    setMessage((before) => (before === next ? `${next} ` : next));
  }, []);
  const visit = useMemo(() => ({ facts: data, refresh: reload, announce }), [data, reload, announce]);
  return (
    <VisitContext value={visit}>
      {children}
      <p className="visually-hidden" role="status">
        {message}
      </p>
    </VisitContext>
  );
}

function loadFacts(signal: AbortSignal) {
  return ask<VisitFacts>('session', { signal });
}
