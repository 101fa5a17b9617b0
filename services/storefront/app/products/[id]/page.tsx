import type { Metadata } from 'next';
import Link from 'next/link';
import { notFound } from 'next/navigation';
import { cache } from 'react';
import { readForPage, toRemote } from '../../../gateway/read.ts';
import { ProductDetails } from '../../../shop/catalogue/product-details.tsx';
import type { Product } from '../../../shop/model.ts';

interface Props {
  params: Promise<{ id: string }>;
}

/** Once for the page and its title. */
const readProduct = cache((id: string) => readForPage<Product>(`inventory/products/${id}`));

/** A segment as the address has it: encoded once, whatever the framework did to it. */
async function idOf({ params }: Props): Promise<string> {
  const { id } = await params;
  try {
    return encodeURIComponent(decodeURIComponent(id));
  } catch {
    return encodeURIComponent(id);
  }
}

export async function generateMetadata(props: Props): Promise<Metadata> {
  const answer = await readProduct(await idOf(props));
  return { title: answer.kind === 'data' ? answer.data.name : 'Product' };
}

export default async function Page(props: Props) {
  const id = await idOf(props);
  const answer = await readProduct(id);
  if (answer.kind === 'problem' && ['PRODUCT_NOT_FOUND', 'BAD_USER_INPUT'].includes(answer.problem.code)) notFound();
  return (
    <>
      <nav className="back" aria-label="Back">
        <Link href="/" prefetch={false}>
          All products
        </Link>
      </nav>
      <ProductDetails key={id} id={id} initial={toRemote(answer)} />
    </>
  );
}
