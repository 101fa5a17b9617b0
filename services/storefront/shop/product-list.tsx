import type { Product } from '../gateway/operations.ts';
import { explain } from './explain.ts';
import { Notice } from './notice.tsx';
import { ProductCard } from './product-card.tsx';
import type { PlacedOrders } from './use-placed-orders.ts';
import type { UseRemote } from './use-remote.ts';

export interface ProductListProps {
  products: UseRemote<Product[]>;
  place: PlacedOrders['place'];
}

export function ProductList({ products, place }: ProductListProps) {
  const { data, problem, busy, reload } = products;
  return (
    <section className="products" aria-labelledby="products-title" aria-busy={!data && !problem}>
      <h2 id="products-title">Products</h2>
      {problem && (
        <Notice {...explain(problem)} action={{ label: busy ? 'Trying…' : 'Try again', busy, run: reload }} />
      )}
      {!data && !problem && <Skeleton />}
      {data?.length === 0 && (
        <div className="empty">
          <strong>No products yet</strong>
          <p>Seed the inventory, and they appear here.</p>
          <button type="button" className="button quiet" aria-disabled={busy} onClick={reload}>
            Look again
          </button>
        </div>
      )}
      {data && data.length > 0 && (
        <ul className="product-grid">
          {data.map((product) => (
            <li key={product.id}>
              <ProductCard product={product} place={place} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function Skeleton() {
  return (
    <>
      <p className="visually-hidden">Loading products</p>
      <div className="product-grid" aria-hidden="true">
        {['one', 'two', 'three'].map((name) => (
          <div key={name} className="product skeleton">
            <div className="skeleton-artwork" />
            <div className="skeleton-line" />
            <div className="skeleton-line short" />
          </div>
        ))}
      </div>
    </>
  );
}
