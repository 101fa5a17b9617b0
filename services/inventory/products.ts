import { VERIFICATION_PRODUCT } from '@orderplane/contracts/products.ts';
import { type Queryable, query } from '@orderplane/shared/postgres.ts';

export interface Product {
  readonly id: string;
  readonly name: string;
  readonly price: number;
}

/** All that can be ordered, by name. */
export function listProducts(database: Queryable): Promise<Product[]> {
  return query<Product>(database, 'select id, name, price from products where id <> $1 order by name, id limit 500', [
    VERIFICATION_PRODUCT,
  ]);
}

/** One product. That of verification needs no row, and all the same an answer of the table: it fails when the table does. */
export async function findProduct(database: Queryable, id: string): Promise<Product | undefined> {
  if (id === VERIFICATION_PRODUCT) {
    const text = `select id, name, price from products where id = $1
      union all select $1, 'Verification', 0 where not exists (select from products where id = $1)`;
    return (await query<Product>(database, text, [id]))[0];
  }
  return (await query<Product>(database, 'select id, name, price from products where id = $1', [id]))[0];
}
