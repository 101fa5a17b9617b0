'use client';
import Link from 'next/link';
import type { ReactNode } from 'react';
import { useVisit } from '../visit.tsx';

/** What is for platforms with accounts: elsewhere it says that none is needed. */
export function AccountsOnly({ children }: { children: ReactNode }) {
  const { facts } = useVisit();
  if (facts && !facts.features.accounts) {
    return (
      <div className="empty">
        <strong>This shop has no accounts</strong>
        <p>You can order without one.</p>
        <Link className="button" href="/" prefetch={false}>
          Go to the shop
        </Link>
      </div>
    );
  }
  return children;
}
