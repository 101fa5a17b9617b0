import type { Product } from '../model.ts';
import type { Products } from '../use-products.ts';
import type { Cart, CartLine } from './cart.ts';

/** A line of the cart beside what is known of its product now. */
export interface PricedLine extends CartLine {
  product: Product | undefined;
  /** Why it cannot be ordered as it is. */
  fault?: 'gone' | 'too many' | undefined;
  /** What it cost when it was put into the cart, where that was something else. */
  formerPrice?: number | undefined;
}

export interface PricedCart {
  lines: PricedLine[];
  /** Of what can be ordered. */
  total: number;
  canBeOrdered: boolean;
}

/** The cart at today's prices. */
export function pricedCart(cart: Cart, products: Products): PricedCart {
  const lines = cart.map((line): PricedLine => {
    const product = products.get(line.productId);
    if (!product) return { ...line, product, fault: 'gone' };
    const { name, price, available = Infinity } = product;
    const formerPrice = price === line.price ? undefined : line.price;
    return { ...line, name, price, product, formerPrice, fault: line.qty > available ? 'too many' : undefined };
  });
  const sold = lines.filter(({ fault }) => fault !== 'gone');
  const total = sold.reduce((sum, { price, qty }) => sum + price * qty, 0);
  return { lines, total, canBeOrdered: lines.length > 0 && lines.every(({ fault }) => fault === undefined) };
}

/** What is the matter with a line, in words. */
export function faultOf({ fault, product, name }: PricedLine): string | undefined {
  switch (fault) {
    case 'gone':
      return `${name} is no longer sold.`;
    case 'too many':
      return product?.available ? `Only ${product.available} of ${name} are left.` : `${name} is sold out.`;
    case undefined:
      return undefined;
  }
}
