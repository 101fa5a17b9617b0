import Link from 'next/link';
import type { Product } from '../model.ts';
import { formatAmount } from '../ui/money.ts';
import { Artwork } from './artwork.tsx';
import { Stock } from './stock.tsx';

/** One link: the whole card leads to the product. */
export function ProductCard({ product }: { product: Product }) {
  return (
    <article className="product">
      <Artwork seed={product.id} />
      <div className="product-label">
        <h2>
          <Link href={`/products/${encodeURIComponent(product.id)}`} prefetch={false}>
            {product.name}
          </Link>
        </h2>
        <p className="price">
          <span className="visually-hidden">Price </span>
          {formatAmount(product.price)}
        </p>
      </div>
      <Stock available={product.available} />
    </article>
  );
}
