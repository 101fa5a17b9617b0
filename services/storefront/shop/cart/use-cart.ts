'use client';
import { useMemo, useSyncExternalStore } from 'react';
import { addToCart, type Cart, type CartLine, type Change, parseCart, without, withQuantity } from './cart.ts';

const KEY = 'cart';
const listeners = new Set<() => void>();
/** Where a browser refuses to store anything, the cart lives as long as the page. */
let fallback = '[]';

export interface UseCart {
  /** Undefined on the server and until the page has come to life. */
  cart: Cart | undefined;
  add: (line: CartLine) => Change;
  setQuantity: (productId: string, qty: number) => void;
  remove: (productIds: readonly string[]) => void;
}

/** The visitor's cart, in this browser: the same in all of its tabs, and there after a reload. */
export function useCart(): UseCart {
  const text = useSyncExternalStore(subscribe, read, () => undefined);
  const cart = useMemo(() => (text === undefined ? undefined : parseCart(text)), [text]);
  return { cart, ...actions };
}

const actions = {
  add(line: CartLine): Change {
    const change = addToCart(parseCart(read()), line);
    if (change.kind === 'changed') write(change.cart);
    return change;
  },
  setQuantity: (productId: string, qty: number) => write(withQuantity(parseCart(read()), productId, qty)),
  remove: (productIds: readonly string[]) => write(without(parseCart(read()), productIds)),
};

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('storage', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('storage', listener);
  };
}

function read(): string {
  try {
    return localStorage.getItem(KEY) ?? '[]';
  } catch {
    return fallback;
  }
}

function write(cart: Cart): void {
  const text = JSON.stringify(cart);
  fallback = text;
  try {
    localStorage.setItem(KEY, text);
  } catch {
    // The fallback has it.
  }
  for (const listener of listeners) listener();
}
