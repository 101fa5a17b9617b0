'use client';
import Link from 'next/link';
import { type FormEvent, useCallback, useState } from 'react';
import { ask } from '../api.ts';
import { parseQuantity } from '../cart/quantity.ts';
import { Stepper } from '../cart/stepper.tsx';
import { useCart } from '../cart/use-cart.ts';
import type { Product } from '../model.ts';
import { explain } from '../ui/explain.ts';
import { formatAmount } from '../ui/money.ts';
import { Notice } from '../ui/notice.tsx';
import { type Remote, useRemote } from '../ui/use-remote.ts';
import { useVisit } from '../visit.tsx';
import { Artwork } from './artwork.tsx';
import { Stock } from './stock.tsx';

/** The id comes as it is in an address. */
export function ProductDetails({ id, initial }: { id: string; initial: Remote<Product> }) {
  const load = useCallback((signal: AbortSignal) => ask<Product>(`api/inventory/products/${id}`, { signal }), [id]);
  const { data, problem, busy, reload } = useRemote(initial, load);
  return (
    <>
      {problem && (
        <Notice {...explain(problem)} action={{ label: busy ? 'Trying…' : 'Try again', busy, run: reload }} />
      )}
      {!data && !problem && <p className="empty">Loading this product…</p>}
      {data && (
        <article className="product-page">
          <Artwork seed={data.id} />
          <div className="product-facts">
            <h1>{data.name}</h1>
            <p className="price">
              <span className="visually-hidden">Price </span>
              {formatAmount(data.price)}
            </p>
            {data.description && <p className="description">{data.description}</p>}
            <Stock available={data.available} />
            <AddToCart product={data} />
          </div>
        </article>
      )}
    </>
  );
}

function AddToCart({ product }: { product: Product }) {
  const { add } = useCart();
  const { announce } = useVisit();
  const [text, setText] = useState('1');
  const [refusal, setRefusal] = useState<string>();
  const [added, setAdded] = useState<string>();
  if (product.available === 0) return <p className="hint">There will be more. Look again later.</p>;

  const change = (next: string) => {
    setText(next);
    setRefusal(undefined);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const quantity = parseQuantity(text);
    if (quantity.kind === 'invalid') return setRefusal(quantity.message);
    const { id: productId, name, price } = product;
    const outcome = add({ productId, name, price, qty: quantity.value });
    if (outcome.kind === 'refused') return setRefusal(outcome.message);
    const done = `${quantity.value} × ${name} is in the cart`;
    setAdded(done);
    announce(done);
    change('1');
  };
  return (
    <form className="add-to-cart" noValidate aria-label={`Order ${product.name}`} onSubmit={submit}>
      <Stepper name={product.name} text={text} onChange={change} refusal={refusal} />
      <button type="submit" className="button">
        Add to cart
      </button>
      {added && (
        <p className="added">
          <span>{added}.</span> <Link href="/cart">Go to the cart</Link>
        </p>
      )}
    </form>
  );
}
