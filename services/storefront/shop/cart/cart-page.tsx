'use client';
import Link from 'next/link';
import { useEffect, useMemo, useRef } from 'react';
import { Artwork } from '../catalogue/artwork.tsx';
import { explain } from '../ui/explain.ts';
import { formatAmount } from '../ui/money.ts';
import { Notice } from '../ui/notice.tsx';
import { useProducts } from '../use-products.ts';
import { useVisit } from '../visit.tsx';
import type { Cart } from './cart.ts';
import { faultOf, pricedCart, type PricedLine } from './priced.ts';
import { LiveStepper } from './stepper.tsx';
import { useCart } from './use-cart.ts';

export function CartPage() {
  const { cart } = useCart();
  return (
    <section className="narrow" aria-labelledby="cart-title">
      <h1 id="cart-title">Cart</h1>
      {cart === undefined && <p className="empty">Loading…</p>}
      {cart?.length === 0 && <EmptyCart />}
      {cart && cart.length > 0 && <FullCart cart={cart} />}
    </section>
  );
}

export function EmptyCart() {
  return (
    <div className="empty">
      <strong>Your cart is empty</strong>
      <p>What you put into it stays in this browser until you order it.</p>
      <Link className="button" href="/" prefetch={false}>
        Look around
      </Link>
    </div>
  );
}

function FullCart({ cart }: { cart: Cart }) {
  const { data, problem, busy, reload } = useProducts(cart.map(({ productId }) => productId));
  const priced = useMemo(() => data && pricedCart(cart, data), [cart, data]);
  return (
    <>
      {problem && (
        <Notice {...explain(problem)} action={{ label: busy ? 'Trying…' : 'Try again', busy, run: reload }} />
      )}
      <CartLines lines={priced?.lines ?? cart.map((line) => ({ ...line, product: undefined }))} />
      <div className="sum">
        <p>
          Total <strong className="price">{priced ? formatAmount(priced.total) : '…'}</strong>
        </p>
        {priced && !priced.canBeOrdered ? (
          <p className="hint">Put right what is marked, and you can go on.</p>
        ) : (
          <Link className="button" href="/checkout" prefetch={false}>
            Check out
          </Link>
        )}
      </div>
    </>
  );
}

function CartLines({ lines }: { lines: PricedLine[] }) {
  const { setQuantity, remove } = useCart();
  const { announce } = useVisit();
  const list = useRef<HTMLUListElement>(null);
  const faults = lines.map(faultOf).filter((fault) => fault !== undefined).join(' '); // prettier-ignore
  useEffect(() => {
    if (faults !== '') announce(faults);
  }, [faults, announce]);

  const takeOut = ({ productId, name }: PricedLine) => {
    remove([productId]);
    announce(`${name} is out of the cart`);
    // The button that had the focus is gone.
    list.current?.focus();
  };
  return (
    <ul className="cart-lines" ref={list} tabIndex={-1} aria-label="In the cart">
      {lines.map((line) => (
        <li key={line.productId} data-fault={line.fault}>
          <Artwork seed={line.productId} />
          <div className="line-what">
            <h2>
              {line.fault === 'gone' ? (
                line.name
              ) : (
                <Link href={`/products/${encodeURIComponent(line.productId)}`} prefetch={false}>
                  {line.name}
                </Link>
              )}
            </h2>
            <LinePrice line={line} />
            {line.fault && <p className="refusal">{faultOf(line)}</p>}
          </div>
          <div className="line-how-many">
            {line.fault !== 'gone' && (
              <LiveStepper name={line.name} qty={line.qty} onQuantity={(qty) => setQuantity(line.productId, qty)} />
            )}
            <button type="button" className="link" onClick={() => takeOut(line)}>
              Remove<span className="visually-hidden"> {line.name}</span>
            </button>
          </div>
        </li>
      ))}
    </ul>
  );
}

function LinePrice({ line: { qty, price, formerPrice, fault } }: { line: PricedLine }) {
  if (fault === 'gone') return null;
  return (
    <p className="price">
      {formatAmount(price * qty)}
      {qty > 1 && <span className="thin"> ({formatAmount(price)} each)</span>}
      {formerPrice !== undefined && <span className="changed"> It was {formatAmount(formerPrice)}.</span>}
    </p>
  );
}
