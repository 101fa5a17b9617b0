'use client';
import { useCallback } from 'react';
import { ask } from './api.ts';
import type { Product } from './model.ts';
import { type UseRemote, useRemote } from './ui/use-remote.ts';

export type Products = ReadonlyMap<string, Product>;

const NOTHING = {};

/** Products by their ids, as they are now; what is not sold is not in the map. */
export function useProducts(ids: readonly string[]): UseRemote<Products> {
  const query = [...new Set(ids)].sort().map((id) => `id=${encodeURIComponent(id)}`).join('&'); // prettier-ignore
  const load = useCallback(
    async (signal: AbortSignal) => {
      if (query === '') return { kind: 'data', data: new Map<string, Product>() } as const;
      const answer = await ask<{ items: Product[] }>(`products?${query}`, { signal });
      if (answer.kind === 'problem') return answer;
      return { kind: 'data', data: new Map(answer.data.items.map((product) => [product.id, product])) } as const;
    },
    [query],
  );
  return useRemote<Products>(NOTHING, load);
}
