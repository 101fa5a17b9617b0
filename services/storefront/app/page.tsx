import type { Metadata } from 'next';
import { connection } from 'next/server';
import type { Answer } from '../gateway/problem.ts';
import { readForPage, toRemote } from '../gateway/read.ts';
import { Catalogue } from '../shop/catalogue/catalogue.tsx';
import { type Categories, CategoryNav } from '../shop/catalogue/category-nav.tsx';
import { productsPath, type Wanted, wantedFrom } from '../shop/catalogue/wanted.ts';
import { SearchForm } from '../shop/catalogue/search-form.tsx';
import type { Page as PageOf, Product } from '../shop/model.ts';

interface Props {
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export async function generateMetadata({ searchParams }: Props): Promise<Metadata> {
  const { search } = wantedFrom(await searchParams);
  return search === undefined ? {} : { title: `Search for “${search}”` };
}

export default async function Page({ searchParams }: Props) {
  await connection();
  const wanted = wantedFrom(await searchParams);
  const [products, categories] = await Promise.all([
    readForPage<PageOf<Product>>(productsPath(wanted)),
    readForPage<Categories>('inventory/categories'),
  ]);
  return (
    <>
      <h1 className="visually-hidden">{titleOf(wanted, categories)}</h1>
      <div className="catalogue-tools">
        <CategoryNav initial={toRemote(categories)} wanted={wanted} />
        <SearchForm wanted={wanted} />
      </div>
      <Catalogue key={JSON.stringify(wanted)} initial={toRemote(products)} wanted={wanted} />
    </>
  );
}

function titleOf({ search, category }: Wanted, categories: Answer<Categories>): string {
  const shelves = categories.kind === 'data' ? categories.data.items : [];
  const shelf = shelves.find(({ id }) => id === category)?.name ?? 'Products';
  return search === undefined ? shelf : `${shelf}: search for “${search}”`;
}
