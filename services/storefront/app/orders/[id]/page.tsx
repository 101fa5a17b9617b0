import type { Metadata } from 'next';
import { OrderPage } from '../../../shop/orders/order-page.tsx';

export const metadata: Metadata = { title: 'Your order' };

export default async function Page({ params }: { params: Promise<{ id: string }> }) {
  const { id } = await params;
  return <OrderPage key={id} id={id} />;
}
