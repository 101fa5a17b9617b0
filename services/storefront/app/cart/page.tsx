import type { Metadata } from 'next';
import { CartPage } from '../../shop/cart/cart-page.tsx';

export const metadata: Metadata = { title: 'Cart' };

export default function Page() {
  return <CartPage />;
}
