'use client';
import Link from 'next/link';
import { useCallback } from 'react';
import { ask } from '../api.ts';
import type { Page, Product } from '../model.ts';
import { explain } from '../ui/explain.ts';
import { Notice } from '../ui/notice.tsx';
import { type Remote, useRemote } from '../ui/use-remote.ts';
import { ProductCard } from './product-card.tsx';
import { addressOf, productsPath, type Wanted } from './wanted.ts';

export interface CatalogueProps {
  initial: Remote<Page<Product>>;
  wanted: Wanted;
}

/** A page of products: those that the server brought along, or else those that come as soon as the gateway answers. */
export function Catalogue({ initial, wanted }: CatalogueProps) {
  const load = useCallback(
    (signal: AbortSignal) => ask<Page<Product>>(`api/${productsPath(wanted)}`, { signal }),
    [wanted],
  );
  const { data, problem, busy, reload } = useRemote(initial, load);
  return (
    <section className="products" aria-label="Products" aria-busy={!data && !problem}>
      {problem && (
        <Notice {...explain(problem)} action={{ label: busy ? 'Trying…' : 'Try again', busy, run: reload }} />
      )}
      {!data && !problem && <Skeleton />}
      {data?.items.length === 0 && <Nothing wanted={wanted} reload={reload} busy={busy} />}
      {data && data.items.length > 0 && (
        <>
          <p className="found" role="status">
            {wanted.search !== undefined && `${countOf(data)} for “${wanted.search}”`}
          </p>
          <ul className="product-grid">
            {data.items.map((product) => (
              <li key={product.id}>
                <ProductCard product={product} />
              </li>
            ))}
          </ul>
        </>
      )}
      <Pages wanted={wanted} next={data?.next ?? null} />
    </section>
  );
}

function countOf({ items, next }: Page<Product>): string {
  if (next !== null) return `The first ${items.length} products`;
  return items.length === 1 ? '1 product' : `${items.length} products`;
}

function Pages({ wanted, next }: { wanted: Wanted; next: string | null }) {
  const { after, ...first } = wanted;
  if (after === undefined && next === null) return null;
  return (
    <nav className="pages" aria-label="Pages">
      {after !== undefined && (
        <Link className="button quiet" href={addressOf(first)} prefetch={false}>
          First page
        </Link>
      )}
      {next !== null && (
        <Link className="button quiet" href={addressOf({ ...first, after: next })} prefetch={false}>
          More products
        </Link>
      )}
    </nav>
  );
}

function Nothing({ wanted, reload, busy }: { wanted: Wanted; reload: () => void; busy: boolean }) {
  const { search, category } = wanted;
  if (search === undefined && category === undefined) {
    return (
      <div className="empty">
        <strong>No products yet</strong>
        <p>Seed the inventory, and they appear here.</p>
        <button type="button" className="button quiet" aria-disabled={busy} onClick={reload}>
          Look again
        </button>
      </div>
    );
  }
  return (
    <div className="empty" role="status">
      <strong>{search === undefined ? 'Nothing on this shelf' : `Nothing found for “${search}”`}</strong>
      <p>Try another word, or look at everything.</p>
      <Link className="button quiet" href="/" prefetch={false}>
        Show everything
      </Link>
    </div>
  );
}

function Skeleton() {
  return (
    <>
      <p className="visually-hidden">Loading products</p>
      <div className="product-grid" aria-hidden="true">
        {['one', 'two', 'three', 'four'].map((name) => (
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
