import type { Metadata } from 'next';
import Link from 'next/link';

export const metadata: Metadata = { title: 'Nothing here' };

export default function NotFound() {
  return (
    <div className="empty">
      <h1>There is nothing here</h1>
      <p>Perhaps it was here once.</p>
      <Link className="button" href="/" prefetch={false}>
        Go to the shop
      </Link>
    </div>
  );
}
