'use client';
import Link from 'next/link';
import { usePathname } from 'next/navigation';
import { pieces } from './cart/cart.ts';
import { useCart } from './cart/use-cart.ts';
import { useVisit } from './visit.tsx';

/** The way to everything that this platform has. */
export function Header() {
  const { facts } = useVisit();
  const { cart } = useCart();
  const path = usePathname();
  const count = cart ? pieces(cart) : 0;
  const here = (href: string) => (path === href ? ('page' as const) : undefined);
  const hasOrders = facts && (facts.user !== null || facts.features.anonymousOrders);
  return (
    <header className="site-header">
      <Link className="brand" href="/" prefetch={false}>
        <svg className="mark" viewBox="0 0 24 24" aria-hidden="true">
          <path d="M3 3h9a9 9 0 0 1-9 9z" />
          <path d="M21 21h-9a9 9 0 0 1 9-9z" />
          <circle cx="16.5" cy="7.5" r="4.5" className="mark-accent" />
        </svg>
        <span>
          Orderplane <span className="thin">shop</span>
        </span>
      </Link>
      <nav aria-label="Shop">
        {hasOrders && (
          <Link href="/orders" prefetch={false} aria-current={here('/orders')}>
            Orders
          </Link>
        )}
        {facts?.features.accounts &&
          (facts.user ? (
            <Link href="/account" prefetch={false} aria-current={here('/account')}>
              <span className="visually-hidden">Account of </span>
              <span className="who">{facts.user.name || 'Account'}</span>
            </Link>
          ) : (
            <Link href="/sign-in" prefetch={false} aria-current={here('/sign-in')}>
              Sign in
            </Link>
          ))}
        <Link className="to-cart" href="/cart" prefetch={false} aria-current={here('/cart')}>
          Cart
          {count > 0 && (
            <>
              <span className="count" aria-hidden="true">
                {count > 99 ? '99+' : count}
              </span>
              <span className="visually-hidden">, {count === 1 ? '1 piece' : `${count} pieces`}</span>
            </>
          )}
        </Link>
      </nav>
    </header>
  );
}
