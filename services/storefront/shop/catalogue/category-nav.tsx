'use client';
import Link from 'next/link';
import { ask } from '../api.ts';
import type { Category } from '../model.ts';
import { type Remote, useRemote } from '../ui/use-remote.ts';
import { addressOf, type Wanted } from './wanted.ts';

export interface Categories {
  items: Category[];
}

export interface CategoryNavProps {
  initial: Remote<Categories>;
  wanted: Wanted;
}

/** The shelves of the shop; what is searched for stays searched for. Without them the shop is one shelf, as it is where there are none. */
export function CategoryNav({ initial, wanted: { search, category } }: CategoryNavProps) {
  const { data } = useRemote(initial, loadCategories);
  const categories = data?.items.filter(({ products }) => products > 0) ?? [];
  if (categories.length === 0) return null;
  const searched = search === undefined ? {} : { search };
  const shelves = [{ id: undefined, name: 'Everything' }, ...categories];
  return (
    <nav className="categories" aria-label="Categories">
      <ul>
        {shelves.map(({ id, name }) => (
          <li key={id ?? ''}>
            <Link
              href={addressOf(id === undefined ? searched : { ...searched, category: id })}
              prefetch={false}
              aria-current={id === category ? 'page' : undefined}
            >
              {name}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function loadCategories(signal: AbortSignal) {
  return ask<Categories>('api/inventory/categories', { signal });
}
