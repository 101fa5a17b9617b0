import type { Metadata } from 'next';
import { CheckoutPage } from '../../shop/checkout/checkout-page.tsx';

export const metadata: Metadata = { title: 'Checkout' };

export default function Page() {
  return <CheckoutPage />;
}
