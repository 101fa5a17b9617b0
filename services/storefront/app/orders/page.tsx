import type { Metadata } from 'next';
import { OrderList } from '../../shop/orders/order-list.tsx';

export const metadata: Metadata = { title: 'Orders' };

interface Props {
  searchParams: Promise<{ after?: string | string[] }>;
}

export default async function Page({ searchParams }: Props) {
  const [after] = [(await searchParams).after].flat();
  return <OrderList key={after ?? ''} after={after} />;
}
