'use client';
import { type FormEvent, useId, useState } from 'react';
import type { Product } from '../gateway/operations.ts';
import { Artwork } from './artwork.tsx';
import { formatAmount } from './money.ts';
import { MAX_QUANTITY, parseQuantity, stepQuantity } from './quantity.ts';
import type { PlacedOrders } from './use-placed-orders.ts';

export interface ProductCardProps {
  product: Product;
  place: PlacedOrders['place'];
}

export function ProductCard({ product, place }: ProductCardProps) {
  const [quantity, setQuantity] = useState('1');
  const [refusal, setRefusal] = useState<string>();
  const [sending, setSending] = useState(false);
  const id = useId();

  const change = (text: string) => {
    setQuantity(text);
    setRefusal(undefined);
  };

  const order = async (event: FormEvent) => {
    event.preventDefault();
    if (sending) return;
    const parsed = parseQuantity(quantity);
    if (parsed.kind === 'invalid') return setRefusal(parsed.message);
    setSending(true);
    const progress = await place(product, parsed.value);
    setSending(false);
    if (progress.stage === 'accepted') setQuantity('1');
  };

  return (
    <form className="product" aria-labelledby={`${id}name`} noValidate onSubmit={(event) => void order(event)}>
      <Artwork seed={product.id} />
      <div className="product-label">
        <h3 id={`${id}name`}>{product.name}</h3>
        <p className="price">
          <span className="visually-hidden">Price </span>
          {formatAmount(product.price)}
        </p>
      </div>
      <div className="product-order">
        <div className="stepper">
          <button
            type="button"
            aria-label={`One ${product.name} less`}
            onClick={() => change(stepQuantity(quantity, -1))}
          >
            −
          </button>
          <input
            type="text"
            inputMode="numeric"
            autoComplete="off"
            aria-label={`Quantity of ${product.name}`}
            aria-invalid={refusal !== undefined}
            aria-describedby={refusal ? `${id}refusal` : undefined}
            maxLength={String(MAX_QUANTITY).length + 1}
            value={quantity}
            onChange={(event) => change(event.target.value)}
          />
          <button
            type="button"
            aria-label={`One ${product.name} more`}
            onClick={() => change(stepQuantity(quantity, 1))}
          >
            +
          </button>
        </div>
        <button type="submit" className="button" aria-disabled={sending}>
          {sending ? 'Ordering…' : 'Order'}
        </button>
      </div>
      {refusal && (
        <p id={`${id}refusal`} className="refusal" role="alert">
          {refusal}
        </p>
      )}
    </form>
  );
}
