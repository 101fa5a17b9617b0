import { VERIFICATION_PRODUCT } from '@orderplane/contracts/products.ts';
import { CodedError } from '@orderplane/shared/errors.ts';
import type { Upstreams } from '../upstreams.ts';
import { present, productAnswer } from './answers.ts';
import { definedOnly } from './input.ts';
import { type Route, route } from './route.ts';
import { categories, product, productParams, productQuery, products, stock, stockParams } from './schemas.ts';

export function catalogueRoutes({ inventory }: Pick<Upstreams, 'inventory'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/inventory/products',
      tag: 'Catalogue',
      summary: 'What can be ordered, by name.',
      access: 'public',
      query: productQuery,
      status: 200,
      answer: products,
      handle: async ({ query: { first, category, search, after } }) => {
        const page = await inventory.listProducts({ first, ...definedOnly({ search, categoryId: category, after }) });
        return { items: page.products.map(productAnswer), next: page.next ?? null };
      },
    }),
    route({
      method: 'GET',
      path: '/inventory/products/:id',
      tag: 'Catalogue',
      summary: 'One product.',
      access: 'public',
      params: productParams,
      status: 200,
      answer: product,
      fails: ['PRODUCT_NOT_FOUND'],
      handle: async ({ params: { id } }) => {
        refuseHidden(id);
        return productAnswer(present((await inventory.getProduct({ id })).product));
      },
    }),
    route({
      method: 'GET',
      path: '/inventory/categories',
      tag: 'Catalogue',
      summary: 'The categories of products, by name.',
      access: 'public',
      status: 200,
      answer: categories,
      handle: async () => {
        const found = await inventory.listCategories({});
        return { items: found.categories.map(({ id, name, products: count }) => ({ id, name, products: count })) };
      },
    }),
    route({
      method: 'GET',
      path: '/inventory/stock/:productId',
      tag: 'Catalogue',
      summary: 'How much of a product is there.',
      access: 'public',
      params: stockParams,
      status: 200,
      answer: stock,
      fails: ['PRODUCT_NOT_FOUND'],
      handle: async ({ params: { productId } }) => {
        refuseHidden(productId);
        const { tracked, onHand, reserved } = await inventory.getStock({ productId });
        return { productId, tracked, onHand, reserved, ...(tracked ? { available: onHand - reserved } : {}) };
      },
    }),
  ];
}

function refuseHidden(productId: string): void {
  if (productId === VERIFICATION_PRODUCT) throw new CodedError('PRODUCT_NOT_FOUND');
}
