import { MAX_QUANTITY } from './quantity.ts';

export interface CartLine {
  productId: string;
  qty: number;
  /** As it was when it was put here: to name it once it is no longer sold, and to tell that its price changed. */
  name: string;
  price: number;
}

export type Cart = readonly CartLine[];

/** The gateway's bounds of an order. */
export const MAX_LINES = 50;

export type Change = { kind: 'changed'; cart: Cart } | { kind: 'refused'; message: string };

export function addToCart(cart: Cart, line: CartLine): Change {
  const there = cart.find(({ productId }) => productId === line.productId);
  if (!there) {
    if (cart.length >= MAX_LINES) return refused(`A cart holds ${MAX_LINES} different products. Order these first.`);
    return { kind: 'changed', cart: [...cart, line] };
  }
  const qty = there.qty + line.qty;
  if (qty > MAX_QUANTITY) return refused(`Order at most ${MAX_QUANTITY} of one product at once.`);
  return { kind: 'changed', cart: cart.map((each) => (each === there ? { ...line, qty } : each)) };
}

export function withQuantity(cart: Cart, productId: string, qty: number): Cart {
  return cart.map((line) => (line.productId === productId ? { ...line, qty } : line));
}

/** What remains when some of it was ordered, or taken out. */
export function without(cart: Cart, productIds: readonly string[]): Cart {
  return cart.filter(({ productId }) => !productIds.includes(productId));
}

export function pieces(cart: Cart): number {
  return cart.reduce((sum, { qty }) => sum + qty, 0);
}

/** What was kept, as far as it is a cart: anybody can write to a browser's storage. */
export function parseCart(text: string | null): Cart {
  let kept: unknown;
  try {
    kept = JSON.parse(text ?? '[]');
  } catch {
    return [];
  }
  if (!Array.isArray(kept)) return [];
  const ids = new Set<string>();
  const isNew = ({ productId }: CartLine) => ids.size < ids.add(productId).size;
  return kept.filter(isLine).filter(isNew).slice(0, MAX_LINES);
}

function isLine(value: unknown): value is CartLine {
  const { productId, qty, name, price } = (value ?? {}) as Partial<CartLine>;
  return (
    typeof productId === 'string' &&
    productId !== '' &&
    typeof name === 'string' &&
    Number.isInteger(price) &&
    Number.isInteger(qty) &&
    qty! >= 1 &&
    qty! <= MAX_QUANTITY
  );
}

function refused(message: string): Change {
  return { kind: 'refused', message };
}
